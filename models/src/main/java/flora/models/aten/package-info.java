/**
 * PyTorch's operators as typed Java calls. A small TorchScript archive, written in memory from the
 * source text in {@code ops.torchscript}, reaches what {@code NDArray} lacks or does slowly; {@link
 * flora.models.aten.Scope} frees what a computation made, {@link flora.models.aten.Autograd}
 * differentiates it, {@link flora.models.aten.Segments} piece by piece where memory is scarce.
 */
@NullMarked
package flora.models.aten;

import org.jspecify.annotations.NullMarked;
