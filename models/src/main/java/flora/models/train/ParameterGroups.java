package flora.models.train;

import ai.djl.ndarray.NDArray;
import flora.models.lora.Lora;
import java.util.List;

/**
 * What an optimizer changes, in groups that have a learning rate each; all lists are in the order
 * of the groups.
 */
public record ParameterGroups(List<Group> groups) {

  /**
   * Parameters with one rate.
   *
   * @param name such as {@code unet}; names of parameters begin with it
   * @param names of the parameters within the group
   * @param rate that a course multiplies by its factor
   */
  public record Group(String name, List<String> names, List<NDArray> parameters, double rate) {

    public Group {
      names = List.copyOf(names);
      parameters = List.copyOf(parameters);
      if (names.size() != parameters.size()) {
        throw new IllegalArgumentException(
            "%d names for %d parameters".formatted(names.size(), parameters.size()));
      }
    }

    /** All matrices of an adapter, under the word for its network. */
    public static Group of(Lora lora, double rate) {
      return new Group(lora.network().word(), lora.names(), lora.parameters(), rate);
    }
  }

  public ParameterGroups {
    groups = List.copyOf(groups);
    if (groups.stream().map(Group::name).distinct().count() < groups.size()) {
      throw new IllegalArgumentException("two groups have one name: " + groups);
    }
  }

  /** One group or several. */
  public static ParameterGroups of(Group... groups) {
    return new ParameterGroups(List.of(groups));
  }

  /** All parameters. */
  public List<NDArray> parameters() {
    return groups.stream().flatMap(group -> group.parameters().stream()).toList();
  }

  /** {@code unet.LAYER.lora_A.weight, …}. */
  public List<String> names() {
    return groups.stream()
        .flatMap(group -> group.names().stream().map(name -> group.name() + "." + name))
        .toList();
  }
}
