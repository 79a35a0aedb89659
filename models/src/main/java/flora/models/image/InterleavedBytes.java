package flora.models.image;

import java.awt.image.DataBufferByte;
import java.awt.image.PixelInterleavedSampleModel;
import java.awt.image.Raster;

/**
 * The samples of a raster as bytes that lie pixel by pixel. No copy is made of a raster that holds
 * them so, which is what ImageIO's readers give for nearly all pictures.
 */
final class InterleavedBytes {

  final byte[] samples;
  private final int start;
  private final int rowStride;

  /** From one pixel to the next. */
  final int stride;

  private final int[] bands;

  private InterleavedBytes(byte[] samples, int start, int rowStride, int stride, int[] bands) {
    this.samples = samples;
    this.start = start;
    this.rowStride = rowStride;
    this.stride = stride;
    this.bands = bands;
  }

  /** A raster's samples. Those of more than 8 bits are shifted to 8. */
  static InterleavedBytes of(Raster raster, int shift) {
    if (shift == 0
        && raster.getSampleModel() instanceof PixelInterleavedSampleModel model
        && raster.getDataBuffer() instanceof DataBufferByte buffer
        && buffer.getNumBanks() == 1) {
      int start =
          buffer.getOffset()
              - raster.getSampleModelTranslateX() * model.getPixelStride()
              - raster.getSampleModelTranslateY() * model.getScanlineStride()
              + raster.getMinX() * model.getPixelStride()
              + raster.getMinY() * model.getScanlineStride();
      return new InterleavedBytes(
          buffer.getData(),
          start,
          model.getScanlineStride(),
          model.getPixelStride(),
          model.getBandOffsets());
    }
    int width = raster.getWidth();
    int bands = raster.getNumBands();
    byte[] samples = new byte[Math.multiplyExact(raster.getHeight(), width * bands)];
    int[] row = new int[width * bands];
    int[] offsets = new int[bands];
    for (int band = 0; band < bands; band++) {
      offsets[band] = band;
    }
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      for (int i = 0; i < row.length; i++) {
        samples[y * row.length + i] = (byte) (row[i] >> shift);
      }
    }
    return new InterleavedBytes(samples, 0, width * bands, bands, offsets);
  }

  /** Where the first sample of a row lies that belongs to a band. */
  int at(int y, int band) {
    return start + y * rowStride + bands[band];
  }
}
