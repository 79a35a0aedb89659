package flora.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Whom to trust besides the platform's authorities: those of a PEM file, as behind a proxy that
 * opens TLS.
 *
 * @param trust decides on a server's certificate
 * @param sockets makes sockets that ask it
 */
record TrustedCertificates(X509TrustManager trust, SSLSocketFactory sockets) {

  static TrustedCertificates with(Path pemFile) {
    try (var in = Files.newInputStream(pemFile)) {
      var store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int number = 0;
      for (var issuer : managerOf(null).getAcceptedIssuers()) {
        store.setCertificateEntry("platform-" + number++, issuer);
      }
      var added = CertificateFactory.getInstance("X.509").generateCertificates(in);
      if (added.isEmpty()) {
        throw new IllegalArgumentException(
            "FLORA_CA_FILE holds no certificate: expected PEM, got " + pemFile);
      }
      for (var certificate : added) {
        store.setCertificateEntry("file-" + number++, certificate);
      }
      var trust = managerOf(store);
      var context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {trust}, null);
      return new TrustedCertificates(trust, context.getSocketFactory());
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalArgumentException(
          "FLORA_CA_FILE cannot be read: expected PEM certificates, got " + pemFile, e);
    }
  }

  private static X509TrustManager managerOf(@Nullable KeyStore store)
      throws GeneralSecurityException {
    var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    for (var manager : factory.getTrustManagers()) {
      if (manager instanceof X509TrustManager x509) {
        return x509;
      }
    }
    throw new IllegalStateException("the platform has no X.509 trust manager");
  }
}
