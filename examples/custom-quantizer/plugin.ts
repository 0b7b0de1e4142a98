// moeq quantize ./model --out ./model-fitted --plugin ./plugin.ts --recipe fitted
import { fitted } from './fitted.ts';

/** Of tiny-moe, as `node main.ts` prints them; other models differ in the third digit. */
export default fitted({
  levels: [
    -0.8532874584197998, -0.6934895515441895, -0.5538148283958435, -0.42752474546432495, -0.3101264238357544,
    -0.2017616331577301, -0.10013027489185333, 0, 0.10079596936702728, 0.20461159944534302, 0.310296893119812,
    0.418806791305542, 0.5390406250953674, 0.6719761490821838, 0.8201621770858765, 1,
  ],
});
