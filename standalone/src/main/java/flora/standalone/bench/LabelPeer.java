package flora.standalone.bench;

import flora.schemas.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Zero-shot labels by {@code transformers}: a Python process that is spoken to in lines. */
final class LabelPeer {

  /** As its documentation shows it, but the labels are embedded once. */
  private static final String PROGRAM =
      """
      import json, os, sys, time
      folder, threads, batch, labels = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
      import torch
      from PIL import Image
      from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizerFast
      torch.set_num_threads(threads)
      model = CLIPModel.from_pretrained(folder).eval()
      processor = CLIPImageProcessor.from_pretrained(folder)
      tokenizer = CLIPTokenizerFast.from_pretrained(folder)
      unit = lambda x: torch.nn.functional.normalize(x, dim=-1)
      with torch.inference_mode():
          texts = unit(model.get_text_features(**tokenizer(labels, padding=True, return_tensors="pt")))
          print("ready", flush=True)
          for line in sys.stdin:
              start = time.perf_counter()
              names = sorted(n for n in os.listdir(line.strip()) if n.endswith((".jpg", ".png")))
              found = []
              for i in range(0, len(names), batch):
                  images = [Image.open(os.path.join(line.strip(), n)).convert("RGB") for n in names[i:i + batch]]
                  pixels = processor(images=images, return_tensors="pt")["pixel_values"]
                  logits = model.logit_scale.exp() * unit(model.get_image_features(pixel_values=pixels)) @ texts.T
                  found += [labels[k] for k in logits.softmax(-1).argmax(-1).tolist()]
              print(json.dumps({"seconds": time.perf_counter() - start, "labels": found}), flush=True)
      """;

  private LabelPeer() {}

  /** Starts it; empty when Python does not have it. */
  static Optional<Child> start(
      String python, Path model, Path work, int threads, int batch, List<String> labels)
      throws IOException, InterruptedException {
    if (!Machine.has(python, "torch, transformers, PIL")) {
      return Optional.empty();
    }
    var program = Files.writeString(work.resolve("label_peer.py"), PROGRAM);
    var child =
        Child.python(
            "transformers",
            work.resolve("peer.log"),
            threads,
            List.of(
                python,
                program.toString(),
                model.toString(),
                Integer.toString(threads),
                Integer.toString(batch),
                new String(Json.bytes(labels), StandardCharsets.UTF_8)));
    child.hear();
    return Optional.of(child);
  }
}
