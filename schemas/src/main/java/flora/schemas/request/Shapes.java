package flora.schemas.request;

import java.util.List;

/** The shapes that the table uses most, by a short name. */
final class Shapes {

  private Shapes() {}

  /** True or false. */
  static Shape flag() {
    return new Shape.Flag();
  }

  /** A whole number, both ends included. */
  static Shape whole(long min, long max) {
    return new Shape.Whole(min, max, 1);
  }

  /** A number, both ends included. */
  static Shape within(double min, double max) {
    return new Shape.Decimal(min, true, max, true);
  }

  /** A number, the lower end left out. */
  static Shape above(double min, double max) {
    return new Shape.Decimal(min, false, max, true);
  }

  /** One of a few words. */
  static Shape choice(String... words) {
    return new Shape.Choice(List.of(words));
  }

  /** One of a few words. */
  static Shape choice(List<String> words) {
    return new Shape.Choice(words);
  }

  /** Text on one line. */
  static Shape text(String expected) {
    return new Shape.Text(1024, expected);
  }

  /** Names of layers. */
  static Shape texts() {
    return new Shape.TextList(200, 200, true);
  }
}
