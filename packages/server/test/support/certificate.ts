import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * Self-signed, for localhost, good until 2126. It stands here because Node makes no certificates and the tests ask for
 * nothing but Node; it protects nothing.
 */
const cert = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUQ6ZAwVVn6OGYShpVGx3bzmk51A4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDE4MDY1OVoYDzIxMjYxMDMx
MTgwNjU5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASdc89X11oS0slZHCIpd8vjhFQodNK16yGo+2wXC1Ngevi10iAiTfSx
EvT02ZRHU4peKgUfkcQWWD4I2pHnPNFQo28wbTAdBgNVHQ4EFgQU2b0hgdMYqQ4f
rdpCE7m7ThdnAl4wHwYDVR0jBBgwFoAU2b0hgdMYqQ4frdpCE7m7ThdnAl4wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAPKD+qcfS4eqO+k3/cfZpWPH5T/F0SXRFLrJRQIKCqp1AiAd
fU4yweRdPX8i3J4VV16wGfHICEVUE3itadnhhKUsFA==
-----END CERTIFICATE-----
`;
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgyhK2b7QZ+Z3mX+Vv
j1RZQwtwd/kAYVnjCDVkxOENvdWhRANCAASdc89X11oS0slZHCIpd8vjhFQodNK1
6yGo+2wXC1Ngevi10iAiTfSxEvT02ZRHU4peKgUfkcQWWD4I2pHnPNFQ
-----END PRIVATE KEY-----
`;

/** The certificate in files, in a folder of its own under the temporary files. */
export function selfSigned(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-tls-'));
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  return { certFile, keyFile };
}
