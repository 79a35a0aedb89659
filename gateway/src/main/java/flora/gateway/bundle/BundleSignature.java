package flora.gateway.bundle;

import flora.gateway.error.Refusal;
import flora.schemas.Json;
import flora.schemas.Sha256;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;

/**
 * The signature of a bundle's manifest, which names every other byte by its digest (Ed25519, RFC
 * 8032).
 *
 * @param algorithm always {@code Ed25519}
 * @param signature in base 64
 */
record BundleSignature(String algorithm, String signature) {

  private static final String ALGORITHM = "Ed25519";

  static BundleSignature of(String base64) {
    return new BundleSignature(ALGORITHM, base64);
  }

  static BundleSignature read(byte[] json) {
    try {
      var read = Json.read(json, BundleSignature.class);
      if (read != null && read.signature() != null) {
        return read;
      }
    } catch (JacksonException e) {
      // told below
    }
    throw Refusal.BadBundle.malformed("the signature of the bundle cannot be read");
  }

  /** Who may sign. */
  static final class Trusted {

    private final List<PublicKey> keys = new ArrayList<>();

    /**
     * Reads public keys.
     *
     * @param texts each an X.509 public key in base 64
     * @throws IllegalArgumentException for anything else
     */
    Trusted(List<String> texts) {
      for (var text : texts) {
        try {
          var encoded = new X509EncodedKeySpec(Base64.getDecoder().decode(text.strip()));
          keys.add(KeyFactory.getInstance(ALGORITHM).generatePublic(encoded));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
          throw new IllegalArgumentException(
              "gateway.bundle.trusted-keys: expected the public key that ./flora bundle keygen"
                  + " printed",
              e);
        }
      }
    }

    /** Whether a signature is asked for. */
    boolean isAsked() {
      return !keys.isEmpty();
    }

    /** Whether one of them signed these bytes; the short name of the key. */
    Optional<String> signer(byte[] manifest, BundleSignature signature) {
      for (var key : keys) {
        try {
          var check = Signature.getInstance(ALGORITHM);
          check.initVerify(key);
          check.update(manifest);
          if (ALGORITHM.equals(signature.algorithm())
              && check.verify(Base64.getDecoder().decode(signature.signature()))) {
            return Optional.of(Sha256.sum(key.getEncoded()).hex().substring(0, 16));
          }
        } catch (GeneralSecurityException | IllegalArgumentException e) {
          // not by this key
        }
      }
      return Optional.empty();
    }
  }
}
