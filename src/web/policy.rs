//! What pages may do, in the words of browsers.

/// `Content-Security-Policy` of documents and workers: run and show what is served here, and talk to
/// it. In every browser that has the cryptography of the client, `'self'` covers WebSockets of the
/// same host. Text becomes markup or script nowhere (Trusted Types): the one policy that may be made
/// is for the address of the service worker.
pub const CONTENT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; \
    media-src 'self' blob: mediastream:; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types privcomm-worker";

/// `Permissions-Policy`: calls take the microphone, QR codes the camera, and nothing needs anything
/// else.
pub const FEATURES: &str = "microphone=(self), camera=(self), accelerometer=(), bluetooth=(), \
    display-capture=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), \
    magnetometer=(), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()";

/// `Cross-Origin-Opener-Policy`: a page that opened this one, or is opened by it, can't hold on to it.
pub const OPENERS: &str = "same-origin";
