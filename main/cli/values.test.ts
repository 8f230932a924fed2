import { describe, expect, it } from 'vitest';
import { environmentName, geometry, limits, network, podName, sizeBytes } from './values';

describe('network', () => {
  it.each([
    ['none', undefined, { profile: 'none' }],
    ['nat', undefined, { profile: 'nat' }],
    ['lan:10.0.0.12/24', undefined, { profile: 'lan', address: '10.0.0.12', prefixLength: 24 }],
    ['lan:10.0.0.12/24', '10.0.0.1', { profile: 'lan', address: '10.0.0.12', prefixLength: 24, gateway: '10.0.0.1' }],
  ])('%s %s', (text, gateway, expected) => expect(network(text, gateway)).toEqual(expected));

  it.each([
    ['lan', undefined], ['lan:10.0.0.12', undefined], ['lan:10.0.0.256/24', undefined], ['lan:10.0.0.1/33', undefined], ['lan:10.0.0.1/0', undefined], ['lan:10.0.0.12/24', 'x'], ['nat', '10.0.0.1'], ['bridge', undefined], ['', undefined],
  ])('refuses %s %s', (text, gateway) => expect(() => network(text, gateway)).toThrow(expect.objectContaining({ code: 'usage/bad-network' })));
});

describe('sizes, numbers and names', () => {
  it.each([['1', 1], ['512M', 512 * 2 ** 20], ['1.5G', 1.5 * 2 ** 30], ['2g', 2 ** 31], ['64KiB', 65536]])('%s is %d bytes', (text, bytes) => expect(sizeBytes(text)).toBe(bytes));

  it.each(['', '0', '-1', '1X', 'M', '1e9', '1 G', '99999999T'])('refuses the size "%s"', (text) => expect(() => sizeBytes(text)).toThrow(expect.objectContaining({ code: 'usage/bad-size' })));

  it('reads limits', () => {
    expect(limits({ memory: '1G', cpus: '1.5', pids: '200' })).toEqual({ memoryBytes: 2 ** 30, cpus: 1.5, pids: 200 });
    expect(limits({ memory: undefined, cpus: undefined, pids: undefined })).toEqual({});
    for (const wrong of [{ cpus: '0' }, { cpus: 'x' }, { pids: '1.5' }, { pids: '0' }]) expect(() => limits({ memory: undefined, cpus: undefined, pids: undefined, ...wrong })).toThrow(/takes/);
  });

  it.each(['Desk', 'a b', '-a', 'a-', '', 'a'.repeat(41), '../x', 'a\nb', 'é', '$(id)'])('refuses the name "%s"', (text) => {
    expect(() => podName(text)).toThrow(expect.objectContaining({ code: 'usage/bad-name' }));
    expect(() => environmentName(text.length > 40 ? `${text}${text}` : text)).toThrow(expect.objectContaining({ code: 'usage/bad-name' }));
  });

  it('reads the size of a screen', () => {
    expect(geometry('1280x800')).toBe('1280x800');
    expect(() => geometry('1280')).toThrow(expect.objectContaining({ code: 'usage/bad-geometry' }));
  });
});
