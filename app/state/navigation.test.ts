import { describe, expect, it } from 'vitest';
import { formatRoute, parseRoute, type Route } from './navigation';

describe('routes', () => {
  it.each<Route>([{ page: 'overview' }, { page: 'host', host: 'alpha.example' }, { page: 'host', host: 'a', tab: 'health' }, { page: 'pod', pod: '0123456789ab', tab: 'terminal' }])('survive a reload: %o', (route) => expect(parseRoute(formatRoute(route))).toEqual(route));

  it.each(['', '#', '#/nowhere/x', '#/pod/', '#/%zz/%zz'])('lead to the overview where %j leads nowhere', (hash) => expect(parseRoute(hash)).toEqual({ page: 'overview' }));

  it('knows no tabs but its own', () => expect(parseRoute('#/pod/x/__proto__')).toEqual({ page: 'pod', pod: 'x' }));
});
