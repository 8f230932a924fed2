import { describeInLab } from '../support/suite';
import { podLife } from './life';
import { podSession } from './session';

describeInLab('PODs', (suite) => {
  podLife(suite);
  podSession(suite);
});
