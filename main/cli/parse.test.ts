import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZapError } from '../../helper/protocol/errors';
import { parseArguments } from './parse';
import { commands } from './verbs/table';

function parse(line: string) {
  return parseArguments(commands, line.split(' ').filter((word) => word !== ''));
}

describe('parseArguments', () => {
  const table: [line: string, name: string, input: object][] = [
    ['pod list', 'pod list', { operands: {}, options: { host: undefined } }],
    ['--json pod list', 'pod list', {}],
    ['pod move desk beta --dry-run', 'pod move', { operands: { name: 'desk', host: 'beta' }, options: { 'dry-run': true } }],
    ['pod move --dry-run desk --json beta', 'pod move', { operands: { name: 'desk', host: 'beta' }, options: { 'dry-run': true } }],
    ['pod create a --host=alpha --env shell --memory 512M', 'pod create', { operands: { name: 'a' }, options: { host: 'alpha', env: 'shell', memory: '512M' }, trailing: [] }],
    ['pod exec a -t -- ls --json -h', 'pod exec', { operands: { name: 'a' }, options: { terminal: true }, trailing: ['ls', '--json', '-h'] }],
    ['pod exec a -- ls -- x', 'pod exec', { trailing: ['ls', '--', 'x'] }],
    ['help pod move', 'help', { operands: { noun: 'pod', verb: 'move' } }],
    ['--version', 'version', {}],
  ];
  it.each(table)('%s', (line, name, input) => {
    const parsed = parse(line);
    expect(parsed.kind).toBe('run');
    if (parsed.kind === 'run') {
      expect(parsed.command.name).toBe(name);
      expect(parsed.input).toMatchObject(input);
    }
  });

  it('sees --json only on this side of --', () => {
    expect(parse('pod exec a -- ls --json')).toMatchObject({ isJson: false });
    expect(parse('pod exec a --json -- ls')).toMatchObject({ isJson: true });
  });

  it.each([
    ['', undefined],
    ['--help', undefined],
    ['pod --help', undefined],
    ['pod move --help', 'pod move'],
    ['pod move -h a b', 'pod move'],
  ])('helps: "%s"', (line, name) => {
    const parsed = parse(line);
    expect(parsed.kind === 'help' && parsed.command?.name).toBe(name);
  });

  it.each([
    ['pdo list', 'usage/unknown-command', 'zap pod'],
    ['pod mvoe a b', 'usage/unknown-command', 'zap pod move'],
    ['pod', 'usage/unknown-command', 'create'],
    ['pod list --jsno', 'usage/unknown-option', '--json'],
    ['pod create a --evn x', 'usage/unknown-option', '--env'],
    ['--frobnicate', 'usage/unknown-option', 'zap help'],
    ['pod move desk', 'usage/bad-arguments', 'zap help pod move'],
    ['pod move a b c', 'usage/bad-arguments', 'zap help pod move'],
    ['pod create a --env', 'usage/bad-arguments', 'zap help'],
    ['pod create a --env x --env y', 'usage/bad-arguments', 'zap help'],
    ['pod move a b --dry-run=yes', 'usage/bad-arguments', 'zap help'],
    ['pod move a b -- c', 'usage/bad-arguments', 'zap help'],
    ['pod exec a', 'usage/bad-arguments', 'zap help'],
  ])('refuses "%s" and says what was meant', (line, code, hint) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ code, hint: expect.stringContaining(hint), exitCode: 2 }));
  });

  it('has nothing but usage errors for any words', () => {
    const word = fc.oneof(fc.constantFrom('pod', 'move', 'list', 'exec', '--', '--json', '-t', '--env', '-', '--host=x', 'a', ''), fc.string({ maxLength: 6 }));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 7 }), (argv) => {
        try {
          parseArguments(commands, argv);
        } catch (error) {
          expect((error as ZapError).exitCode).toBe(2);
        }
      }),
    );
  });
});

describe('the table of commands', () => {
  it('is complete in itself', () => {
    expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length);
    for (const { name, summary, options } of commands) {
      expect(name).toMatch(/^[a-z]+( [a-z]+)?$/);
      expect(summary).toMatch(/^[A-Z].*[^.]$/);
      for (const [option, { help, kind }] of Object.entries(options)) {
        expect(option).toMatch(/^[a-z]+(-[a-z]+)*$/);
        expect(help.length).toBeGreaterThan(5);
        expect(['flag', 'value']).toContain(kind);
      }
    }
  });
});
