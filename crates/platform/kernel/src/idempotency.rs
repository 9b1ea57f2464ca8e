/// The key a caller gave a request, so that sending it twice does it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As the caller chose it: 1 to 255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the request's method, path and body: the same key with another request is a mistake.
    pub fingerprint: [u8; 32],
}
