import { describeInLab } from '../support/suite';
import { podCheckpoints } from './checkpoint';
import { podLife } from './life';
import { podSession } from './session';

describeInLab('PODs', (suite) => {
  podLife(suite);
  podSession(suite);
  podCheckpoints(suite);
});
