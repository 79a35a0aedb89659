package flora.hub.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PatternsTest {

  /** Each line was checked against Python's fnmatch.fnmatchcase and filter_repo_objects. */
  @ParameterizedTest
  @CsvSource({
    "*.safetensors, unet/model.safetensors, true",
    "*.safetensors, model.safetensors.index.json, false",
    "unet/, unet/sub/config.json, true",
    "unet/, unet2/config.json, false",
    "*.SAFETENSORS, model.safetensors, false",
    "v1-?.ckpt, v1-5.ckpt, true",
    "v1-?.ckpt, v1-10.ckpt, false",
    "[ab].txt, b.txt, true",
    "[!ab].txt, b.txt, false",
    "[!ab].txt, c.txt, true",
    "[a-c]*.txt, beta.txt, true",
    "[c-a].txt, b.txt, false",
    "[]].txt, ].txt, true",
    "[.txt, [.txt, true",
    "a.txt, aXtxt, false",
    "(a|b)+.txt, a.txt, false",
    "(a|b)+.txt, (a|b)+.txt, true",
    "*, .gitattributes, true",
    "[^a].txt, ^.txt, true",
    "[^a].txt, b.txt, false",
  })
  void matchesAsPythonDoes(String pattern, String path, boolean matches) {
    assertThat(new Patterns(List.of(pattern), List.of()).admit(path)).isEqualTo(matches);
    assertThat(new Patterns(List.of(), List.of(pattern)).admit(path)).isEqualTo(!matches);
  }
}
