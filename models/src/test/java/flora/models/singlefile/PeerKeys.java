package flora.models.singlefile;

import flora.models.ModelConfig;
import flora.models.clip.ClipTextConfig;
import flora.models.stablediffusion.UNetConfig;
import flora.models.stablediffusion.VaeConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What diffusers makes of single files of three sizes; written by make_single_file.py. */
record PeerKeys(JsonNode sizes) {
  static final Path FOLDER = Path.of("src/test/resources/flora/models/singlefile");

  static PeerKeys of(String size) {
    try (var in = new GZIPInputStream(Files.newInputStream(FOLDER.resolve("keys.json.gz")))) {
      return new PeerKeys(JsonMapper.builder().build().readTree(in).get(size));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  UNetConfig unet() {
    return UNetConfig.of(config("unet_config"));
  }

  VaeConfig vae() {
    return VaeConfig.of(config("vae_config"));
  }

  ClipTextConfig text() {
    return ClipTextConfig.of(config("text_config"));
  }

  /** The network's key → the file's. */
  Map<String, String> keys(String network) {
    var keys = new LinkedHashMap<String, String>();
    sizes
        .get(network)
        .properties()
        .forEach(e -> keys.put(e.getKey(), e.getValue().get(0).stringValue()));
    return keys;
  }

  /** The shapes of all networks' tensors by the file's keys. */
  Map<String, List<Long>> shapes() {
    var shapes = new LinkedHashMap<String, List<Long>>();
    for (var network : List.of("unet", "vae", "text")) {
      for (var entry : sizes.get(network)) {
        var shape = new ArrayList<Long>();
        entry.get(1).forEach(extent -> shape.add(extent.longValue()));
        shapes.put(entry.get(0).stringValue(), shape);
      }
    }
    return shapes;
  }

  private ModelConfig config(String name) {
    return ModelConfig.of(FOLDER.resolve(name), sizes.get(name).toString());
  }
}
