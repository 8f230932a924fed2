/** No text but through messages, each in every language, none of them left over. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, TYPE } from '@formatjs/icu-messageformat-parser';
import { parseSync } from 'vite';
import { describe, expect, it } from 'vitest';
import { locales } from '../../main/contract';
import { catalog } from './catalog';
import { makeFormat } from './format';
import { languageOf } from './text';

const app = join(import.meta.dirname, '..');
const sources = readdirSync(app, { recursive: true, encoding: 'utf8' }).filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.test.ts') && !path.startsWith('i18n/messages/'));
const textOf = (path: string): string => readFileSync(join(app, path), 'utf8');

type Node = { type: string; [key: string]: unknown };
const shownAttributes = new Set(['aria-label', 'aria-description', 'title', 'label', 'placeholder', 'alt', 'description', 'textValue', 'error']);
const hasLetters = (value: unknown): boolean => typeof value === 'string' && /\p{L}{2}/u.test(value);

function literalsIn(code: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown, isShown: boolean): void => {
    if (Array.isArray(node)) return node.forEach((child) => visit(child, isShown));
    if (node === null || typeof node !== 'object' || !('type' in node)) return;
    const { type, ...fields } = node as Node;
    if (type === 'JSXText' && hasLetters(fields['value'])) found.push(String(fields['value']).trim());
    if (type === 'Literal' && isShown && hasLetters(fields['value'])) found.push(String(fields['value']));
    if (type === 'TemplateElement' && isShown && hasLetters((fields['value'] as { cooked?: string }).cooked)) found.push(String((fields['value'] as { cooked?: string }).cooked));
    if (type === 'CallExpression' || type === 'BinaryExpression' || type === 'MemberExpression' || type === 'ArrowFunctionExpression') isShown = false; // names and keys, not what is shown
    if (type === 'JSXAttribute') isShown = shownAttributes.has((fields['name'] as { name: string }).name);
    if (type === 'JSXExpressionContainer' && (node as Node)['parentIsElement'] === true) isShown = true;
    for (const [key, child] of Object.entries(fields)) {
      if (key === 'children' && (type === 'JSXElement' || type === 'JSXFragment')) for (const item of child as Node[]) visit(item.type === 'JSXExpressionContainer' ? { ...item, parentIsElement: true } : item, false);
      else visit(child, isShown);
    }
  };
  visit(parseSync('source.tsx', code).program, false);
  return found;
}

describe('texts', () => {
  it('are found where they are written out', () => {
    expect(literalsIn('<p>Hello there</p>')).toEqual(['Hello there']);
    expect(literalsIn('<p aria-label="Close it" className="row">{"and this"} {`or ${x} that`} {t("common.close")}</p>')).toEqual(['Close it', 'and this', 'or ', ' that']);
    expect(literalsIn('<p>{isOpen ? "open" : t("x.y")}</p>')).toEqual(['open']);
  });

  it('stand in no component', () => {
    const allowed = new Set(['anna@server.example:22', '~/.ssh/id_ed25519']);
    const found = sources.filter((path) => path.endsWith('.tsx')).flatMap((path) => literalsIn(textOf(path)).filter((text) => !allowed.has(text)).map((text) => `${path}: ${text}`));
    expect(found).toEqual([]);
  });

  it('are all used', () => {
    const code = sources.map(textOf).join('\n');
    const ids = Object.keys(catalog.en).filter((id) => !id.startsWith('command.'));
    // Ids that are put together: `stream.${reason}`, `${what}.ended`.
    const families = [...code.matchAll(/`([a-z.-]*)\$\{[^}]+\}([a-z.-]*)`/g)].filter(([, before, after]) => `${before}${after}`.includes('.')).map(([, before, after]) => new RegExp(`^${before}[a-z-]+${after}$`));
    expect(ids.filter((id) => !code.includes(`'${id}'`) && !families.some((family) => family.test(id)))).toEqual([]);
  });

  it.each(locales)('exist in %s, whole and well-formed, with the same values as in English', (locale) => {
    expect(Object.keys(catalog[locale]).sort()).toEqual(Object.keys(catalog.en).sort());
    const wrong = Object.entries(catalog[locale]).filter(([id, message]) => message.trim() === '' || valuesOf(message).join() !== valuesOf(catalog.en[id as keyof typeof catalog.en]).join());
    expect(wrong).toEqual([]);
  });
});

function valuesOf(message: string): string[] {
  const names = new Set<string>();
  const visit = (elements: ReturnType<typeof parse>): void => {
    for (const element of elements) {
      if (element.type === TYPE.argument || element.type === TYPE.plural || element.type === TYPE.select) names.add(element.value);
      if (element.type === TYPE.plural || element.type === TYPE.select) for (const option of Object.values(element.options)) visit(option.value);
    }
  };
  visit(parse(message));
  return [...names].sort();
}

describe('figures', () => {
  const en = languageOf('en').format;
  const de = makeFormat('de', languageOf('de').t);

  it.each([
    [0, '0 byte', '0 Byte'],
    [999, '999 byte', '999 Byte'],
    [1500, '1.5 kB', '1,5 kB'],
    [180_000_000, '180 MB', '180 MB'],
    [7_540_000_000, '7.5 GB', '7,5 GB'],
  ])('%d bytes', (bytes, english, german) => expect([en.bytes(bytes), de.bytes(bytes).replaceAll(/\s/g, ' ')]).toEqual([english, german]));

  it('says pauses as exactly as one feels them', () => {
    expect([31, 312, 4210, 42_100].map(en.pause)).toEqual(['0.03 s', '0.31 s', '4.2 s', '42 s']);
    expect(de.pause(312)).toBe('0,31 s');
  });

  it('says durations in their two largest units', () => {
    expect([5_000, 65_000, 3_720_000, 190_000_000].map(en.duration)).toEqual(['5 s', '1 min 5 s', '1 h 2 min', '2 d 4 h']);
  });

  it('counts', () => {
    const { t } = languageOf('de');
    expect([t('move.warnings', { count: 1 }), t('move.warnings', { count: 2 }), t('status.pods', { count: 0 })]).toEqual(['1 Warnung', '2 Warnungen', 'keine PODs']);
  });
});
