// moeq generate ./model --plugin ./dual-plugin.ts --recipe dual --backend webgpu
import { dual } from './dual.ts';

export default dual();
