import { describeWithHosts } from './host-lab';
import { doctor } from './doctor';
import { enrolment } from './enrolment';
import { logins } from './login';
import { processors } from './processors';
import { trouble } from './trouble';

describeWithHosts('hosts', (suite) => {
  enrolment(suite);
  logins(suite);
  doctor(suite);
  processors(suite);
  trouble(suite);
});
