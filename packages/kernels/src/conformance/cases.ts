// All cases, in the order in which they are run and reported.
import { attentionCases } from './attention-cases.js';
import type { Case } from './bench.js';
import { convolutionCases } from './convolution-cases.js';
import { deltaRuleCases } from './delta-rule-cases.js';
import { errorCases } from './error-cases.js';
import { expertCases } from './expert-cases.js';
import { latentCases } from './latent-cases.js';
import { lifeCases } from './life-cases.js';
import { linearCases } from './linear-cases.js';
import { mlpCases } from './mlp-cases.js';
import { modelCases } from './model-cases.js';
import { objectCases } from './object-cases.js';
import { plainCases } from './plain-cases.js';
import { routeCases } from './route-cases.js';
import { scanCases } from './scan-cases.js';
import { stepCases } from './step-cases.js';

export const cases: readonly Case[] = [
  ...plainCases,
  ...linearCases,
  ...attentionCases,
  ...latentCases,
  ...convolutionCases,
  ...scanCases,
  ...deltaRuleCases,
  ...routeCases,
  ...mlpCases,
  ...expertCases,
  ...modelCases,
  ...stepCases,
  ...lifeCases,
  ...objectCases,
  ...errorCases,
];
