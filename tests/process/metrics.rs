//! What Prometheus reads.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use hatd_client::pb::{self, WriteAvailability};
use tempfile::TempDir;
use tonic::transport::Endpoint;

use super::hatd::{Hatd, command, on, put_open_room, run};
use crate::rpc::http1::Http1;

/// Where a server says that its metrics are.
fn address(hatd: &Hatd) -> SocketAddr {
    let said = hatd.greeting.lines().find_map(|line| {
        let event = serde_json::from_str::<serde_json::Value>(line).ok()?;
        (event["message"] == "serving metrics").then(|| event["url"].as_str().unwrap().to_owned())
    });
    let url = said.expect("it serves metrics");
    url.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap().parse().unwrap()
}

/// What a server answers that serves metrics.
async fn scrape(hatd: &Hatd) -> String {
    let mut http = Http1::connect(address(hatd)).await;
    let answer = http.request("GET", "/metrics", "", &[]).await;
    assert_eq!(answer.status, 200);
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.headers["content-type"], openmetrics);
    String::from_utf8(answer.buffer).unwrap()
}

/// Each metric with its labels, and its value.
fn values(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|it| it.rsplit_once(' ').unwrap())
        .collect()
}

async fn store_status(hatd: &Hatd) -> pb::GetStoreStatusResponse {
    hatd.client().await.get_store_status(pb::GetStoreStatusRequest {}).await.unwrap()
}

/// Which writes a server takes that serves metrics, as both these and `GetStoreStatus` have it.
pub(crate) async fn write_availability(hatd: &Hatd) -> WriteAvailability {
    let status = store_status(hatd).await.write_availability();
    let text = scrape(hatd).await;
    let values = values(&text);
    for (state, name) in [
        (WriteAvailability::All, "all"),
        (WriteAvailability::Removals, "removals"),
        (WriteAvailability::DiskFull, "disk_full"),
        (WriteAvailability::Stopped, "stopped"),
    ] {
        let metric = format!("hatd_store_write_availability{{state=\"{name}\"}}");
        assert_eq!(values[&*metric], if status == state { "1" } else { "0" }, "{text}");
    }
    status
}

#[tokio::test]
async fn metrics_say_what_the_store_status_says() {
    let dir = TempDir::new().unwrap();
    let mut command = command(&on(dir.path(), "127.0.0.1:0"));
    let hatd = Hatd::serve(command.arg("--metrics-listen=127.0.0.1:0")).await;
    let client = hatd.client().await;
    for number in 0..3 {
        put_open_room(&client, &format!("room{number}@conference.localhost")).await;
    }
    client.take_checkpoint(pb::TakeCheckpointRequest {}).await.unwrap();
    put_open_room(&client, "last@conference.localhost").await;

    let text = scrape(&hatd).await;
    let status = store_status(&hatd).await;
    let mut values = values(&text);
    let free: u64 = values.remove("hatd_store_free_bytes").unwrap().parse().unwrap();
    // Others write to that disk, too.
    assert!(free.abs_diff(status.free_bytes) < 1 << 30, "{free}, {}", status.free_bytes);
    let checkpoint_bytes = status.checkpoint_bytes.to_string();
    let log_bytes = status.log_bytes.to_string();
    let build = format!("hatd_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    let expected = BTreeMap::from([
        (&*build, "1"),
        ("hatd_store_write_availability{state=\"all\"}", "1"),
        ("hatd_store_write_availability{state=\"removals\"}", "0"),
        ("hatd_store_write_availability{state=\"disk_full\"}", "0"),
        ("hatd_store_write_availability{state=\"stopped\"}", "0"),
        ("hatd_store_position", "4"),
        ("hatd_store_floor_position", "0"),
        ("hatd_store_checkpoint_position", "3"),
        ("hatd_store_checkpoint_bytes", &*checkpoint_bytes),
        ("hatd_store_log_bytes", &*log_bytes),
    ]);
    assert_eq!(values, expected);
    assert!(text.ends_with("# EOF\n"), "{text}");
    hatd.stop().await;
}

#[tokio::test]
async fn metrics_and_calls_do_not_share_a_port() {
    let dir = TempDir::new().unwrap();
    let mut command = command(&on(dir.path(), "127.0.0.1:0"));
    let hatd = Hatd::serve(command.arg("--metrics-listen=127.0.0.1:0")).await;
    let mut http = Http1::connect(address(&hatd)).await;
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/hatd.v1.AdminService/GetStoreStatus", 404),
        ("POST", "/metrics", 405),
    ] {
        let answer = http.request(method, path, "content-length: 0\r\n", &[]).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
    let answer =
        Http1::connect(hatd.address).await.request("GET", "/metrics", "", &[]).await.status;
    assert_ne!(answer, 200);
    let endpoint = Endpoint::from_shared(format!("http://{}", address(&hatd))).unwrap();
    let mut stub = pb::hat_service_client::HatServiceClient::new(endpoint.connect().await.unwrap());
    stub.get_user_hats(pb::GetUserHatsRequest::default()).await.unwrap_err();
    hatd.stop().await;
}

#[tokio::test]
async fn an_address_for_metrics_that_is_in_use_is_said_to_be() {
    let dir = TempDir::new().unwrap();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let mut command = command(&on(dir.path(), "127.0.0.1:0"));
    let ended = run(command.arg(format!("--metrics-listen={address}"))).await;
    assert_eq!(ended.code(), Some(69), "{}", ended.log);
    assert!(ended.log.contains(&format!("failed to listen on {address}")), "{}", ended.log);
}

#[tokio::test]
async fn metrics_are_not_served_unless_asked_for() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(dir.path()).await;
    assert!(!hatd.greeting.contains("metrics"), "{}", hatd.greeting);
    hatd.stop().await;
}
