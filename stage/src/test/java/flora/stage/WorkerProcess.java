package flora.stage;

import flora.store.ObjectStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;

/** A worker as the services run it, in a process of its own that can be killed. */
final class WorkerProcess implements AutoCloseable {

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @Import(StageConfiguration.class)
  static class Worker {

    public static void main(String[] args) {
      var application = new SpringApplication(Worker.class);
      application.setWebApplicationType(WebApplicationType.NONE);
      application.setBannerMode(org.springframework.boot.Banner.Mode.OFF);
      application.run(args);
      System.out.println("takes work");
    }

    @Bean
    StageFlow flow(ObjectStore store, Environment environment) {
      return new ScriptedFlow(environment.getRequiredProperty("stage.worker"), store);
    }
  }

  private final Process process;

  private WorkerProcess(Process process) {
    this.process = process;
  }

  static WorkerProcess start(Rig rig, String name) throws Exception {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Worker.class.getName()));
    command.add("--stage.worker=" + name);
    command.add("--stage.lock=" + Rig.LOCK.toMillis() + "ms");
    command.add("--stage.lease=" + Rig.LEASE.toMillis() + "ms");
    command.add("--spring.kafka.bootstrap-servers=" + rig.kafka.bootstrapServers());
    command.add("--store.endpoint=" + rig.s3.endpoint());
    command.add("--spring.main.log-startup-info=false");
    return new WorkerProcess(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** Waits until it takes work. */
  WorkerProcess ready() throws Exception {
    for (var line = process.inputReader().readLine();
        !"takes work".equals(line);
        line = process.inputReader().readLine()) {
      if (line == null) {
        throw new AssertionError("the worker ended: " + process.waitFor());
      }
      System.out.println(line);
    }
    process.getInputStream(); // what it says later fits into the pipe
    return this;
  }

  void kill() throws Exception {
    process.destroyForcibly().waitFor();
  }

  /** SIGTERM; returns its exit status. */
  int terminate() throws Exception {
    process.destroy();
    return process.waitFor();
  }

  void signal(String name) throws Exception {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }

  @Override
  public void close() throws Exception {
    signal("CONT");
    kill();
  }
}
