import { describeInLab } from '../support/suite';
import { podLife } from './life';

describeInLab('PODs', (suite) => {
  podLife(suite);
});
