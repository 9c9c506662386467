//! A proxy that the environment names does not lead past the guard against private addresses.

use balie::channels::Client;
use balie::channels::client::Failure;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Says that this process is the one with the proxy in its environment: all tests of a process share one.
const WITHIN: &str = "BALIE_TEST_WITHIN";

#[tokio::test]
async fn what_a_proxy_would_look_up_for_us_is_not_reached() {
    if std::env::var_os(WITHIN).is_some() {
        let client = Client::new(false).unwrap();
        // A name that only the proxy knows, of a server in its network.
        let url = "http://intern.invalid/secret".parse().unwrap();
        for request in [client.request(Method::GET, &url), client.straight(Method::GET, &url), client.stream(&url)] {
            let heard = client.send(request.unwrap()).await;
            assert!(matches!(heard, Err(Failure::NotSent(_))), "{heard:?}");
        }
        return;
    }
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut line, _) = proxy.accept().await.unwrap();
        let _ = line.read(&mut [0; 4096]).await;
        line.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret").await.unwrap();
    });
    let child = tokio::task::spawn_blocking(move || {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "proxy::what_a_proxy_would_look_up_for_us_is_not_reached"]).env(WITHIN, "1");
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            child.env(name, &address);
        }
        for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
            child.env_remove(name);
        }
        child.output().unwrap()
    });
    let output = child.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(!asked.is_finished(), "the proxy was asked");
}
