// The attention of a layer, for what is asked of attention alone.
import { type AttentionConfig, type LayerConfig, layerMixer } from '@moeq/runtime';

/** undefined where the layer has another mixer. */
export function attentionOf(layer: LayerConfig | undefined): AttentionConfig | undefined {
  const mixer = layer === undefined ? null : layerMixer(layer);
  return mixer?.kind === 'attention' ? mixer : undefined;
}
