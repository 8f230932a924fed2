import { describeInLab } from '../support/suite';
import { cancellations } from './cancelled';
import { podCheckpoints } from './checkpoint';
import { helperContract } from './contract';
import { environments } from './environments';
import { podIsolation } from './isolation';
import { podLife } from './life';
import { podSession } from './session';

describeInLab('PODs', (suite) => {
  podLife(suite);
  podSession(suite);
  podIsolation(suite);
  podCheckpoints(suite);
  cancellations(suite);
  environments(suite);
  helperContract(suite);
});
