import { library } from '../../tsup.base.ts';

export default library('src/bin.ts', 'src/main.ts');
