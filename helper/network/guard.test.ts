import { expect, test } from 'vitest';
import { guardRules, interfaceIdentifier } from './guard';

test('the interface identifier is the one that the kernel makes of a MAC', () => {
  expect(interfaceIdentifier('02:11:22:33:44:55')).toBe('001122fffe334455');
  expect(interfaceIdentifier('00:00:5e:00:53:01')).toBe('02005efffe005301');
});

test('what no rule lets through is dropped, and no rule names another address', () => {
  const rules = guardRules({ mac: '02:11:22:33:44:55', address: '10.1.2.3' });
  expect(rules.at(-1)).toBe('drop');
  expect(new Set(rules.flatMap((rule) => [...rule.matchAll(/\d+\.\d+\.\d+\.\d+/g)].map(([address]) => address)))).toEqual(new Set(['10.1.2.3', '0.0.0.0']));
  expect(rules.filter((rule) => rule.endsWith('accept')).every((rule) => /10\.1\.2\.3|ip6/.test(rule))).toBe(true);
});
