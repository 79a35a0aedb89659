package flora.standalone.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The same steps by {@code diffusers} and {@code peft}: a Python process, spoken to in lines. */
final class TrainPeer {

  /** As their examples train, without accelerate. */
  private static final String PROGRAM =
      """
      import json, resource, sys, time
      folder, side, rank, threads, again = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "recomputed"
      import torch
      from diffusers import DDPMScheduler, UNet2DConditionModel
      from peft import LoraConfig, get_peft_model
      from torch.utils.flop_counter import FlopCounterMode
      torch.set_num_threads(threads)
      torch.manual_seed(0)
      schedule = DDPMScheduler.from_pretrained(folder + "/scheduler")
      unet = UNet2DConditionModel.from_pretrained(folder + "/unet")
      unet.requires_grad_(False)
      if again:
          unet.enable_gradient_checkpointing()
      network = get_peft_model(unet, LoraConfig(r=rank, lora_alpha=rank, target_modules=["to_q", "to_k", "to_v", "to_out.0"])).train()
      trained = [p for p in network.parameters() if p.requires_grad]
      optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=1e-2)
      width = unet.config.cross_attention_dim
      kept = [(torch.randn(1, unet.config.in_channels, side // 8, side // 8), torch.randn(1, 77, width)) for _ in range(4)]
      print("ready", flush=True)
      done = 0
      def step():
          latents, context = kept[done % 4]
          noise, times = torch.randn_like(latents), torch.randint(0, schedule.config.num_train_timesteps, (1,))
          predicted = network(schedule.add_noise(latents, noise, times), times, context).sample
          torch.nn.functional.mse_loss(predicted, noise).backward()
          torch.nn.utils.clip_grad_norm_(trained, 1.0)
          optimizer.step()
          optimizer.zero_grad()
      for line in sys.stdin:
          if line == "operations\\n":
              with FlopCounterMode(display=False) as counter:
                  step()
              print(counter.get_total_flops(), flush=True)
              continue
          seconds = []
          for _ in range(int(line)):
              start = time.perf_counter()
              step()
              seconds.append(time.perf_counter() - start)
              done += 1
          print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}), flush=True)
      """;

  private TrainPeer() {}

  /** Starts it; empty when Python does not have it. */
  static Optional<Child> start(
      String python, Path model, Path work, int side, int rank, int threads, String mode)
      throws IOException, InterruptedException {
    if (!Machine.has(python, "torch, diffusers, peft")) {
      return Optional.empty();
    }
    var program = Files.writeString(work.resolve("train_peer.py"), PROGRAM);
    var child =
        Child.python(
            "diffusers",
            work.resolve("peer.log"),
            threads,
            List.of(
                python,
                program.toString(),
                model.toString(),
                Integer.toString(side),
                Integer.toString(rank),
                Integer.toString(threads),
                mode));
    child.hear();
    return Optional.of(child);
  }
}
