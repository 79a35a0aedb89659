package flora.models.stablediffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A prompt as people write it in WebUIs: {@code a cat <lora:my_style:0.8>} names the adapters to
 * use and how strongly, and is no part of what the model is told.
 *
 * @param text without the names
 * @param adapters in the order in which they are named
 * @see <a href="https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Features">the WebUI's
 *     features: extra networks</a>
 */
public record WebUiPrompt(String text, List<Wanted> adapters) {

  /**
   * An adapter that is asked for.
   *
   * @param name of its file, without the ending
   * @param unet how strongly it acts in the UNet
   * @param textEncoder and in the text encoder
   */
  public record Wanted(String name, double unet, double textEncoder) {}

  private static final Pattern NAMED = Pattern.compile("<([a-zA-Z]+):([^<>]*)>");

  public WebUiPrompt {
    adapters = List.copyOf(adapters);
  }

  /**
   * Reads {@code <lora:name>} (in full), {@code <lora:name:0.8>}, {@code <lora:name:0.5:0.8>} (text
   * encoder, UNet), and the named {@code te=0.5}, {@code unet=0.8}.
   *
   * @throws IllegalArgumentException saying what cannot be read, or is something else than a LoRA
   */
  public static WebUiPrompt parse(String prompt) {
    var adapters = new ArrayList<Wanted>();
    var found = NAMED.matcher(prompt);
    var text = new StringBuilder();
    while (found.find()) {
      if (!found.group(1).equals("lora")) {
        throw new IllegalArgumentException(
            "%s is no LoRA: expected <lora:NAME:STRENGTH>".formatted(found.group()));
      }
      adapters.add(wanted(found.group(), found.group(2).split(":", -1)));
      found.appendReplacement(text, "");
    }
    found.appendTail(text);
    return new WebUiPrompt(text.toString().strip().replaceAll(" {2,}", " "), adapters);
  }

  private static Wanted wanted(String whole, String[] words) {
    var name = words[0].strip();
    if (name.isEmpty()) {
      throw new IllegalArgumentException(
          whole + " names no adapter: expected <lora:NAME:STRENGTH>");
    }
    double textEncoder = 1;
    Double unet = null;
    for (int i = 1; i < words.length; i++) {
      var word = words[i].strip();
      if (word.startsWith("te=")) {
        textEncoder = strength(whole, word.substring(3));
      } else if (word.startsWith("unet=")) {
        unet = strength(whole, word.substring(5));
      } else if (i == 1) {
        textEncoder = strength(whole, word);
      } else if (i == 2) {
        unet = strength(whole, word);
      } else {
        throw new IllegalArgumentException(
            whole + " says more than a name and two strengths: expected <lora:NAME:TE:UNET>");
      }
    }
    return new Wanted(name, unet == null ? textEncoder : unet, textEncoder);
  }

  private static double strength(String whole, String word) {
    try {
      double strength = Double.parseDouble(word);
      if (Double.isFinite(strength)) {
        return strength;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new IllegalArgumentException(
        "%s: %s is no strength, expected a number such as 0.8".formatted(whole, word));
  }
}
