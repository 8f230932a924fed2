/** Environments that only benchmarks need. */
import type { Recipe } from '../../helper/protocol/model';

export const benchRecipes: Recipe[] = [
  {
    name: 'bench',
    description: 'What benchmarks run: Apache, redis, a C compiler',
    suite: 'trixie',
    packages: ['tini', 'tmux', 'util-linux', 'procps', 'iproute2', 'iputils-ping', 'ncurses-term', 'apache2', 'apache2-utils', 'redis-server', 'redis-tools', 'gcc', 'libc6-dev'],
    hasDisplay: false,
    user: 'root',
    setup: 'echo LANG=C.UTF-8 >/etc/default/locale\n',
    files: [],
  },
];
