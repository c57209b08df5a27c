//! `GET /metrics`: what the store says of itself, for Prometheus, on a listener of its own.
//!
//! Every value is read when it is asked for: nothing is counted meanwhile.

use std::{fmt, sync::Arc, sync::atomic::AtomicU64};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        family::Family,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::{Registry, Unit},
};

use crate::{
    error,
    store::{Condition, Store, Writes},
};

/// Where they are.
pub(super) const PATH: &str = "/metrics";

/// What `OpenMetrics` 1.0 calls its text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers [`PATH`], and nothing else.
pub(super) fn router(store: Arc<dyn Store>) -> Router {
    Router::new().route(PATH, get(scrape)).with_state(store)
}

async fn scrape(State(store): State<Arc<dyn Store>>) -> Response {
    let condition = match store.maintenance() {
        Some(maintenance) => maintenance.condition().await.map(Some),
        None => Ok(None),
    };
    match condition.map(|condition| text(condition.as_ref())) {
        Ok(Ok(text)) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, error::chain(error) + "\n").into_response()
}

/// The metrics, for as long as it takes to write them down.
fn text(condition: Option<&Condition>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("hatd");
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The hatd that runs", build);
    if let Some(condition) = condition {
        register_condition(registry.sub_registry_with_prefix("store"), condition);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn register_condition(registry: &mut Registry, condition: &Condition) {
    let writes = Family::<_, Gauge<u64, AtomicU64>>::default();
    for (state, name) in [
        (Writes::All, "all"),
        (Writes::Removals, "removals"),
        (Writes::DiskFull, "disk_full"),
        (Writes::Stopped, "stopped"),
    ] {
        writes.get_or_create(&[("state", name)]).set(u64::from(condition.writes == state));
    }
    registry.register(
        "write_availability",
        "Which writes are taken: all, removals only, none while the disk is full, or none until a \
         restart since a write to the disk failed",
        writes,
    );

    let bytes = || Unit::Bytes;
    let position = condition.position.get();
    registry.register("position", "The last commit", ConstGauge::new(position));
    let floor = condition.floor.get();
    registry.register(
        "floor_position",
        "The last commit that is no longer kept for watches",
        ConstGauge::new(floor),
    );
    let checkpoint = condition.checkpoint_position.get();
    registry.register(
        "checkpoint_position",
        "The last commit in the checkpoint",
        ConstGauge::new(checkpoint),
    );
    let size = ConstGauge::new(condition.checkpoint_bytes);
    registry.register_with_unit("checkpoint", "How large the checkpoint is", bytes(), size);
    let log = ConstGauge::new(condition.log_bytes);
    registry.register_with_unit("log", "How large the log of commits is", bytes(), log);
    let free = ConstGauge::new(condition.free_bytes);
    registry.register_with_unit("free", "How much is free of the disk", bytes(), free);
}
