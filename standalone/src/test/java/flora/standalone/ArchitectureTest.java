package flora.standalone;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The house: who may know whom, what things are called, how large a file may grow. */
class ArchitectureTest {

  private static final JavaClasses FLORA =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("flora");

  private static final String[] SERVICES = {
    "flora.fetcher..", "flora.labeler..", "flora.trainer..", "flora.gateway.."
  };

  @Test
  void schemasKnowNobody() {
    noClasses()
        .that()
        .resideInAPackage("flora.schemas..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.springframework..",
            "flora.store..",
            "flora.stage..",
            "flora.models..",
            "okhttp3..")
        .check(FLORA);
  }

  @Test
  void tensorFilesNeedTheJdkAndJacksonOnly() {
    classes()
        .that()
        .resideInAPackage("flora.tensors..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage("flora.tensors..", "java..", "tools.jackson..", "org.jspecify..")
        .check(FLORA);
  }

  @Test
  void modelsKnowNeitherSpringNorTheWire() {
    noClasses()
        .that()
        .resideInAPackage("flora.models..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.springframework..", "org.apache.kafka..", "flora.schemas..", "flora.store..")
        .check(FLORA);
  }

  @Test
  void servicesDoNotKnowEachOther() {
    for (var service : SERVICES) {
      var others = Stream.of(SERVICES).filter(s -> !s.equals(service)).toArray(String[]::new);
      noClasses()
          .that()
          .resideInAPackage(service)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(others)
          .check(FLORA);
    }
  }

  @Test
  void theHubKnowsNeitherKafkaNorStages() {
    noClasses()
        .that()
        .resideInAPackage("flora.hub..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.apache.kafka..", "flora.stage..", "flora.tensors..")
        .check(FLORA);
  }

  @Test
  void theGatewayIsNoStage() {
    noClasses()
        .that()
        .resideInAPackage("flora.gateway..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("flora.stage..", "flora.models..", "flora.tensors..")
        .check(FLORA);
  }

  @Test
  void onlyTheStandaloneProductEmbedsServers() {
    noClasses()
        .that()
        .resideOutsideOfPackages("flora.standalone..", "flora.embedded..", "flora.fakehub..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("flora.embedded..", "flora.fakehub..", "flora.standalone..")
        .check(FLORA);
  }

  @Test
  void packagesOfAModuleDoNotGoRoundInCircles() {
    for (var module :
        List.of(
            "schemas",
            "store",
            "stage",
            "models",
            "hub",
            "fetcher",
            "labeler",
            "trainer",
            "gateway",
            "embedded",
            "fakehub")) {
      slices()
          .matching("flora." + module + ".(*)..")
          .should()
          .beFreeOfCycles()
          .allowEmptyShould(true)
          .check(FLORA);
    }
  }

  @Test
  void namesSayWhatAThingIs() {
    noClasses()
        .should()
        .haveNameMatching(".*(Impl|Manager|Helper|Util|Utils|Interface|DTO|Processor)")
        .check(FLORA);
  }

  @Test
  void whatOnlySpringCallsIsPackagePrivate() {
    classes()
        .that()
        .haveNameMatching(".*(Flow|Controller)")
        .and()
        .resideInAnyPackage(SERVICES)
        .should()
        .bePackagePrivate()
        .check(FLORA);
  }

  @Test
  void nothingIsInjectedIntoFields() {
    fields()
        .should()
        .notBeAnnotatedWith("org.springframework.beans.factory.annotation.Autowired")
        .andShould()
        .notBeAnnotatedWith("org.springframework.beans.factory.annotation.Value")
        .check(FLORA);
  }

  @Test
  void noFileHasMoreThan500Lines() throws IOException {
    assertThat(sources())
        .allSatisfy(
            file -> {
              try (var lines = Files.lines(file)) {
                assertThat(lines.count()).as(file.toString()).isLessThanOrEqualTo(500);
              }
            });
  }

  @Test
  void everyPackageSaysWhatItIsForAndIsNullMarked() throws IOException {
    var packages =
        sources().stream()
            .filter(f -> f.toString().contains("/src/main/java/"))
            .map(Path::getParent)
            .distinct()
            .toList();

    assertThat(packages)
        .isNotEmpty()
        .allSatisfy(
            folder ->
                assertThat(folder.resolve("package-info.java"))
                    .content()
                    .contains("/**")
                    .contains("@NullMarked"));
  }

  private static List<Path> sources() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of(".."))) {
      return files
          .filter(f -> f.toString().endsWith(".java") && !f.toString().contains("/target/"))
          .toList();
    }
  }
}
