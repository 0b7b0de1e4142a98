// The attention of a layer, for what is asked of attention alone.
import type { AttentionConfig, LayerConfig } from '@moeq/runtime';

/** undefined where the layer has another mixer. */
export function attentionOf(layer: LayerConfig | undefined): AttentionConfig | undefined {
  return layer?.mixer.kind === 'attention' ? layer.mixer : undefined;
}
