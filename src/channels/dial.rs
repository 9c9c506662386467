//! Connections that are not HTTP: guarded as `client` guards, with TLS that can be told of a certificate of the deployment's own.
//!
//! Promises: no private address is reached unless the admin allowed it, however the name resolves; connecting and the handshake
//! end in time; a certificate is always verified, against the machine's roots and the account's own, never skipped; a peer
//! cannot make us read more than was asked for.
//! Must not: know a protocol.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{ChannelError, Class, Client, Words};

/// How long connecting and how long a TLS handshake may take.
const CONNECT: Duration = Duration::from_secs(10);
const HANDSHAKE: Duration = Duration::from_secs(10);
/// What may be read before the caller says otherwise.
const USUAL: usize = 4 * 1024 * 1024;

/// One connection, plain or encrypted, that reads no more than it was allowed to.
pub struct Line {
    io: Io,
    peer: SocketAddr,
    /// Bytes that may still be read.
    left: usize,
    /// Read before anything from the wire.
    ahead: Vec<u8>,
    /// The other end said that nothing more comes.
    ended: bool,
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({}, {})", self.peer, if self.is_secure() { "tls" } else { "plain" })
    }
}

/// Connects to `host` (a name or an address written as numbers).
///
/// # Errors
/// `Transient` when it cannot be reached; `Rejected` when it is in a private network and that is not allowed.
pub async fn dial(client: &Client, host: &str, port: u16) -> Result<Line, ChannelError> {
    let unreachable = |why: String| ChannelError::transient(format!("{host}:{port}: {why}"));
    let addresses = timeout(CONNECT, client.resolve(host, port))
        .await
        .map_err(|_| unreachable("its name could not be looked up in time".to_owned()))??;
    let mut last = "its name leads nowhere".to_owned();
    for address in addresses.into_iter().take(4) {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Commands are small and wait for their answers.
                let _ = stream.set_nodelay(true);
                return Ok(Line { io: Io::Plain(stream), peer: address, left: USUAL, ahead: Vec::new(), ended: false });
            }
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => "no answer in time".clone_into(&mut last),
        }
    }
    Err(unreachable(last))
}

impl Line {
    /// Encrypts the line; whoever answers must prove to be `host`.
    ///
    /// # Errors
    /// `Unauthorized` with a cure when the certificate cannot be trusted; `Transient` when the handshake fails otherwise.
    pub async fn secure(self, trust: &Trust, host: &str) -> Result<Self, ChannelError> {
        let (peer, stream) = match self {
            Self { io: Io::Plain(stream), peer, .. } => (peer, stream),
            secure => return Ok(secure),
        };
        let bare = host.trim_matches(|c| c == '[' || c == ']').to_owned();
        let name = ServerName::try_from(bare)
            .map_err(|_| ChannelError::rejected("address.name", format!("{host} is not the name of a server.")))?;
        let shaken = timeout(HANDSHAKE, TlsConnector::from(trust.config.clone()).connect(name, stream)).await;
        match shaken {
            Ok(Ok(tls)) => Ok(Self { io: Io::Tls(Box::new(tls)), peer, left: USUAL, ahead: Vec::new(), ended: false }),
            Ok(Err(error)) => Err(refused(host, &error)),
            Err(_) => Err(ChannelError::transient(format!("{host}: the TLS handshake did not end in time"))),
        }
    }

    #[must_use]
    pub fn is_secure(&self) -> bool {
        matches!(self.io, Io::Tls(_))
    }

    /// How many bytes may be read from here on.
    pub fn allow(&mut self, bytes: usize) {
        self.left = bytes;
    }

    /// Puts bytes before everything that is still to be read.
    pub fn read_first(&mut self, bytes: &[u8]) {
        self.ahead = bytes.to_vec();
    }

    /// One line of text without its end, read byte by byte so that nothing after it is taken: for what is said before a line is
    /// encrypted.
    ///
    /// # Errors
    /// When the connection ends, or the line is longer than `max`.
    pub async fn read_text(&mut self, max: usize) -> io::Result<String> {
        let mut text = Vec::new();
        loop {
            let byte = self.read_u8().await?;
            if byte == b'\n' {
                break;
            }
            text.push(byte);
            if text.len() > max {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long"));
            }
        }
        Ok(String::from_utf8_lossy(&text).trim_end().to_owned())
    }

    /// Whether reading came to the other end's end: what a library made of an answer may be half of it then.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let some = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead[..some]);
            self.ahead.drain(..some);
            return Poll::Ready(Ok(()));
        }
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too large")));
        }
        let (before, room) = (buf.filled().len(), buf.remaining());
        let read = match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Io::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        let some = buf.filled().len() - before;
        self.left = self.left.saturating_sub(some);
        self.ended |= some == 0 && room > 0 && matches!(read, Poll::Ready(Ok(())));
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Io::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Io::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Io::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Whose certificates are believed: the machine's roots and what the admin gave. Cheap to clone.
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
}

impl Trust {
    /// `own`: certificates in PEM, of an authority or of the server itself.
    ///
    /// # Errors
    /// `Rejected` when `own` holds no certificate.
    pub fn new(own: Option<&str>) -> Result<Self, ChannelError> {
        let unusable = |why: String| ChannelError::rejected("tls.own_certificate", why);
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let mut given = Vec::new();
        if let Some(pem) = own.map(str::trim).filter(|pem| !pem.is_empty()) {
            given = CertificateDer::pem_slice_iter(pem.as_bytes())
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| unusable(format!("the certificate is not in PEM form ({error:?}).")))?;
            if given.is_empty() {
                return Err(unusable("there is no certificate between BEGIN and END lines.".to_owned()));
            }
            // One that cannot be an authority may still be the server's own.
            roots.add_parsable_certificates(given.iter().cloned());
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(error.to_string()))?;
        let config = if given.is_empty() {
            builder.with_root_certificates(roots).with_no_client_auth()
        } else {
            let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| unusable(error.to_string()))?;
            let verifier = Arc::new(Given { usual, given });
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        };
        Ok(Self { config: Arc::new(config) })
    }
}

/// Believes the very certificate that the admin gave, as many mail servers sign their own; everything else as usual.
#[derive(Debug)]
struct Given {
    usual: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.given.iter().any(|given| given.as_ref() == end_entity.as_ref()) {
            return Ok(ServerCertVerified::assertion());
        }
        self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// A handshake that failed, in words.
fn refused(host: &str, error: &io::Error) -> ChannelError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => ChannelError::new(
            Class::Unauthorized,
            "tls.certificate",
            Words::new(
                format!("The certificate of {host} cannot be trusted: {why:?}."),
                format!("Het certificaat van {host} is niet te vertrouwen: {why:?}."),
            ),
            Words::new(
                "Check the server's name. A server with a certificate of its own: paste that certificate into the account's settings.",
                "Controleer de naam van de server. Heeft de server een eigen certificaat: plak dat bij de instellingen van het account.",
            ),
        ),
        Some(rustls::Error::InvalidMessage(_)) => ChannelError::new(
            Class::Transient,
            "tls.not_spoken",
            Words::new(
                format!("{host} does not speak TLS on this port."),
                format!("{host} spreekt geen TLS op deze poort."),
            ),
            Words::new(
                "Choose the port that belongs to the kind of encryption, or the other kind.",
                "Kies de poort die bij het soort versleuteling hoort, of het andere soort.",
            ),
        ),
        _ => ChannelError::transient(format!("{host}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Trust, dial};
    use crate::channels::{Class, Client};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_private_address_is_not_dialled_however_it_is_written() {
        let client = Client::new(false).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost", "::1", "[::1]", "::ffff:127.0.0.1", "127.1", "0x7f.1"] {
            let error = dial(&client, host, port).await.unwrap_err();
            assert!(matches!(error.class, Class::Rejected | Class::Transient), "{host}: {error}");
        }
        assert_eq!(dial(&client, "127.0.0.1", port).await.unwrap_err().code, "address.private");
        let client = client.and_also(([127, 0, 0, 1], port).into());
        dial(&client, "127.0.0.1", port).await.unwrap();
        assert!(dial(&client, "127.0.0.1", port.wrapping_add(1)).await.is_err());
    }

    #[tokio::test]
    async fn a_peer_that_talks_without_end_is_cut_off() {
        let client = Client::new(true).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let talk = async {
            let (mut peer, _) = listener.accept().await.unwrap();
            while peer.write_all(&[b'x'; 4096]).await.is_ok() {}
        };
        let listen = async {
            let mut line = dial(&client, "127.0.0.1", port).await.unwrap();
            line.allow(10_000);
            line.read_first(b"first ");
            let mut heard = Vec::new();
            let error = line.read_to_end(&mut heard).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
            assert!(heard.starts_with(b"first x") && heard.len() < 20_000, "{}", heard.len());
            assert!(line.read_text(100).await.is_err());
        };
        tokio::join!(talk, listen);
    }

    #[test]
    fn a_certificate_that_is_none_is_refused_with_words() {
        assert!(Trust::new(None).is_ok() && Trust::new(Some("  ")).is_ok());
        for pem in [
            "hello",
            "-----BEGIN CERTIFICATE-----\nAAAA",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ] {
            assert_eq!(Trust::new(Some(pem)).map(|_| ()).unwrap_err().code, "tls.own_certificate", "{pem}");
        }
    }
}
