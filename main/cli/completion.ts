/** What bash needs to complete our command line: made from the table of commands, so that it knows each one. */
import { globalOptions, type Command } from './command';

const optionsOf = ({ options }: Command): string => Object.keys({ ...options, ...globalOptions }).map((name) => `--${name}`).join(' ');

export function bashCompletion(commands: readonly Command[]): string {
  const nouns = [...new Set(commands.map(({ name }) => name.split(' ')[0]!))];
  const verbs = nouns.flatMap((noun) => {
    const own = commands.flatMap(({ name }) => (name.startsWith(`${noun} `) ? [name.slice(noun.length + 1)] : []));
    return own.length === 0 ? [] : [`      ${noun}) list='${own.join(' ')}' ;;`];
  });
  const options = commands.map((command) => `      '${command.name}'*) list='${optionsOf(command)}' ;;`);
  return `# Completion of zap for bash: source it, or write it to a file of ~/.local/share/bash-completion/completions.
_zap() {
  local word=\${COMP_WORDS[COMP_CWORD]} typed="\${COMP_WORDS[*]:1:2}" list=''
  local hosts="\${ZAP_HOME:-\${XDG_CONFIG_HOME:-$HOME/.config}/zap}/hosts.json"
  if [[ $word == -* ]]; then
    case $typed in
${options.join('\n')}
    esac
  elif ((COMP_CWORD == 1)); then
    list='${nouns.join(' ')}'
  elif ((COMP_CWORD == 2)); then
    case \${COMP_WORDS[1]} in
${verbs.join('\n')}
    esac
  elif [[ \${COMP_WORDS[1]} == host || \${COMP_WORDS[COMP_CWORD - 1]} == --host || ($typed == 'pod move' && COMP_CWORD -eq 4) ]]; then
    list="local $(sed -n 's/^    "\\([a-z0-9.-]*\\)": {$/\\1/p' "$hosts" 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$list" -- "$word"))
}
complete -o default -F _zap zap`;
}
