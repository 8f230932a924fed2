/**
 * What a POD's first process starts.
 *
 * Written into the POD's layer once. The shells live under a tmux server of the POD's own, so that terminals keep their names, scrollback and jobs when
 * the POD moves; the first begins when somebody looks; standard output goes to a file of the POD's, since a descriptor of the host's would stop every checkpoint.
 */
export const startPath = 'usr/lib/zap/start';
export const commandPath = 'usr/lib/zap/command';
export const tmuxConfigurationPath = 'usr/lib/zap/tmux.conf';
export const tmuxSocket = '/run/zap/tmux.sock';
export const vncSocket = '/run/zap/vnc.sock';

/**
 * No status line and no prefix key: the user interface attaches to it as to a plain terminal.
 *
 * What tmux keeps to itself unless told otherwise goes through: text for the clipboard, of which the terminal outside decides, and addresses behind words.
 */
export const tmuxConfiguration = `set -g status off
set -g prefix None
set -g exit-empty off
set -g history-limit 50000
set -g default-terminal tmux-256color
set -s escape-time 0
set -g window-size latest
set -g destroy-unattached off
set -s set-clipboard on
set -as terminal-features ',*:hyperlinks'
`;

/** Start script, given the user that terminals and commands run as (a name of the environment's passwd). */
export function startScript(user: string, geometry: string): string {
  return `#!/bin/sh
mkdir -p /run/zap /var/log/zap
exec </dev/null >>/var/log/zap/pod.log 2>&1
export ZAP_GEOMETRY=${geometry}
home=$(getent passwd ${user} | cut -d: -f6)
exec_as_user() { cd "\${home:-/}" && exec setpriv --reuid ${user} --regid ${user} --init-groups --inh-caps -all env HOME="\${home:-/}" USER=${user} LOGNAME=${user} SHELL=/bin/bash "$@"; }
if command -v tmux >/dev/null; then
  chown ${user}: /run/zap
  (exec_as_user env LANG=C.UTF-8 tmux -f /${tmuxConfigurationPath} -S ${tmuxSocket} start-server)
fi
if [ -s /${commandPath} ]; then
  set --
  while IFS= read -r line; do word=$(printf %s "$line" | base64 -d; printf .); set -- "$@" "\${word%.}"; done </${commandPath}
  exec_as_user "$@"
elif [ -x /usr/lib/zap/session ]; then
  exec /usr/lib/zap/session
else
  exec sleep infinity
fi
`;
}

/** The command as the start script reads it: one argument a line in base64, so that none of it is ever parsed by a shell. */
export function commandFile(command: readonly string[]): string {
  return command.map((argument) => `${Buffer.from(argument).toString('base64')}\n`).join('');
}
