/** Desktops and terminals on screen, in the real app on real hosts, while their POD moves. */
import { test } from 'vitest';
import { describeInLab } from '../integration/support/suite';
import { desktops } from './screens/desktop';
import { Screening } from './screens/screening';
import { terminals } from './screens/terminal';

describeInLab('screens', (suite) => {
  const on = new Screening(suite);
  desktops(on);
  terminals(on);

  test('what ends inside the POD is said in words', async () => {
    await on.open('desktop');
    await on.onHost('.desktop-screen');
    await on.inside('pkill', 'Xtigervnc');
    await on.page.waitForSelector('text=The desktop has ended');
  });
});
