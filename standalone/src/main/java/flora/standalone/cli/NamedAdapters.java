package flora.standalone.cli;

import flora.models.stablediffusion.WebUiPrompt;
import flora.models.stablediffusion.WebUiPrompt.Wanted;
import flora.standalone.client.InvalidInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Adapter files by the names that prompts call them: the file's, without its ending. */
final class NamedAdapters {

  /** One that acts on a picture. */
  record Chosen(Wanted wanted, Path file) {}

  private static final String ENDING = ".safetensors";

  private final Map<String, Path> files = new TreeMap<>();

  /** Those that were given as files, not as a part of a folder. */
  private final Set<String> meant = new LinkedHashSet<>();

  /**
   * @param given files, and folders of such files
   */
  NamedAdapters(List<Path> given) throws IOException {
    for (var path : given) {
      if (Files.isDirectory(path)) {
        try (var inside = Files.newDirectoryStream(path, "*" + ENDING)) {
          inside.forEach(this::add);
        }
      } else if (!Files.isRegularFile(path)) {
        throw new InvalidInput("no such adapter: " + path);
      } else if (!path.toString().endsWith(ENDING)) {
        throw new InvalidInput("%s: expected an adapter in a %s file".formatted(path, ENDING));
      } else {
        meant.add(add(path));
      }
    }
  }

  private String add(Path file) {
    var name = file.getFileName().toString();
    var stem = name.substring(0, name.length() - ENDING.length());
    var other = files.put(stem, file);
    if (other != null && !other.equals(file)) {
      throw new InvalidInput(
          "%s and %s are both called %s: rename one of them".formatted(other, file, stem));
    }
    return stem;
  }

  /** What a prompt asks for, and in full whatever file was given and is not named there. */
  List<Chosen> chosen(WebUiPrompt prompt) {
    var chosen = new ArrayList<Chosen>();
    var left = new LinkedHashSet<>(meant);
    for (var wanted : prompt.adapters()) {
      var file = files.get(wanted.name());
      if (file == null) {
        throw new InvalidInput(
            "the prompt names the adapter %s; there %s"
                .formatted(
                    wanted.name(),
                    files.isEmpty() ? "is none: give --adapter" : "are " + files.keySet()));
      }
      left.remove(wanted.name());
      chosen.add(new Chosen(wanted, file));
    }
    left.forEach(
        name ->
            chosen.add(new Chosen(new Wanted(name, 1, 1), files.getOrDefault(name, Path.of("")))));
    return chosen;
  }
}
