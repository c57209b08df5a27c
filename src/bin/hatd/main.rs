//! The server: `hatd serve`, or `hatd` alone; and what is done to its data while none serves.

mod maintenance;

use std::{
    env,
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser, Subcommand};
use futures_util::{Stream, StreamExt as _, stream};
use hatd::{
    config::{self, Arguments, Config},
    origin::Origin,
    server::{self, Server},
    service,
    store::{self, Retention, embedded},
    telemetry,
};
use maintenance::{Maintenance, StateDamaged};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed terminal is no reason to fail in another way.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS };
        }
    };
    if let Some(name) = unknown_variable(env::vars_os()) {
        let _ = writeln!(
            io::stderr(),
            "hatd: there is no setting {}; hatd --help lists those there are",
            name.display()
        );
        return Exit::Usage.into();
    }
    let done = match cli.command {
        None => serve(cli.serve),
        Some(Command::Serve(arguments)) => serve(arguments),
        Some(Command::Maintain(maintenance)) => maintenance.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // For people, and there may be no log yet.
            let _ = writeln!(io::stderr(), "hatd: {error:#}");
            if let Some(hint) = hint(&error) {
                let _ = writeln!(io::stderr(), "hint: {hint}");
            }
            Exit::of(&error).into()
        }
    }
}

/// What helps.
fn hint(error: &anyhow::Error) -> Option<String> {
    let error = error.downcast_ref()?;
    if let embedded::OpenError::Locked { .. } = error {
        let running = "hatctl status, hatctl checkpoint, hatctl backup FILE";
        return Some(format!("stop it first, or ask it while it runs: {running}"));
    }
    // A backup is a file.
    if let embedded::OpenError::Corrupt { path, .. } = error
        && path.is_dir()
    {
        let path = path.display();
        return Some(format!(
            "nothing was changed. If you have a backup, move {path} away, then: \
             hatd restore BACKUP --data-dir {path}"
        ));
    }
    None
}

/// Keeps the hats that people wear in chat rooms, and tells programs by gRPC
#[derive(Parser)]
#[command(name = "hatd", version, long_version = LONG_VERSION, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: Arguments,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT; what hatd does without a command
    Serve(Arguments),
    #[command(flatten)]
    Maintain(Maintenance),
}

const LONG_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\nproto package: hatd.v1");

/// The first variable that looks like a setting and is none: most likely a misspelt one.
fn unknown_variable(mut variables: impl Iterator<Item = (OsString, OsString)>) -> Option<OsString> {
    let command = Cli::command();
    let is_setting =
        |name: &OsString| command.get_arguments().any(|it| it.get_env() == Some(name.as_os_str()));
    let unknown = variables.find(|(name, value)| {
        let (text, value) = (name.to_string_lossy(), value.to_string_lossy());
        text.starts_with("HATD_") && !is_setting(name) && !is_of_others(&text, &value)
    });
    unknown.map(|(name, _)| name)
}

/// Whether a variable that begins as our settings do is meant for somebody else.
fn is_of_others(name: &str, value: &str) -> bool {
    // hatctl's, and the tests'.
    name == "HATD_ENDPOINT"
        || name.starts_with("HATD_TEST_")
        || name.starts_with("HATD_REGENERATE")
        // Kubernetes tells each container of each service: one named hatd is HATD_SERVICE_HOST,
        // HATD_SERVICE_PORT, HATD_PORT=tcp://10.0.0.1:50051, HATD_PORT_50051_TCP and so on.
        || name.starts_with("HATD_SERVICE_")
        || name.starts_with("HATD_PORT_")
        || name == "HATD_PORT" && value.contains("://")
}

fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let config = Config::load(arguments)?;
    telemetry::init(config.log_format, &config.log_filter);
    let runtime = Runtime::new()?;
    let served = runtime.block_on(run(config));
    // A store that is still opening, or a disk that hangs, must not hold the exit.
    runtime.shutdown_background();
    served
}

async fn run(config: Config) -> anyhow::Result<()> {
    let mut signals = Box::pin(signals()?);
    let store = tokio::select! {
        opened = server::open_store(store_config(&config)) => opened?,
        // What the start has not finished, the next one does.
        _ = signals.next() => return Ok(()),
    };
    let server = Server::bind(server_options(&config), store).await?;
    greet(&config, &server);
    server.serve_until(signals).await?;
    Ok(())
}

/// One item for each SIGTERM and SIGINT from now on.
///
/// # Errors
///
/// What the operating system says.
fn signals() -> io::Result<impl Stream<Item = ()>> {
    let listeners = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(stream::unfold(listeners, |(mut terminate, mut interrupt)| async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Some(((), (terminate, interrupt)))
    }))
}

fn store_config(config: &Config) -> embedded::Config {
    let options = store::Options {
        limits: config.limits.clone(),
        retention: Retention { age: config.retention_age, bytes: config.retention_bytes },
        request_id_ttl: config.request_id_ttl,
        ..store::Options::new(service::commit_len)
    };
    let store = embedded::Config::new(&config.data_dir, options);
    embedded::Config {
        segment_bytes: config.log_segment_bytes,
        checkpoint_bytes: config.checkpoint_bytes,
        min_free_bytes: config.min_free_bytes,
        ..store
    }
}

fn server_options(config: &Config) -> server::Options {
    server::Options {
        listen: config.listen,
        metrics_listen: config.metrics_listen,
        cors_origins: config.cors_origins.clone(),
        request_timeout: config.request_timeout,
        request_timeout_max: config.request_timeout_max,
        shutdown_grace_period: config.shutdown_grace_period,
        limits: config.limits.clone(),
    }
}

/// Says where everything is, and the first thing to try.
fn greet(config: &Config, server: &Server) {
    if let Some(url) = server.metrics_url() {
        tracing::info!(url, "serving metrics");
    }
    let address = server.local_addr();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        address = %address,
        data_dir = %config.data_dir.display(),
        "serving gRPC and gRPC-Web"
    );
    if address.ip().to_canonical().is_loopback() {
        tracing::info!("no authentication yet: every program on this machine may do everything");
    } else {
        tracing::warn!(
            "no TLS and no authentication: anybody who reaches the port may do everything"
        );
    }
    if config.cors_origins.iter().any(Origin::is_any) {
        tracing::warn!(
            "cors-origins has *: every web page that is open in a browser that reaches the port \
             may do everything"
        );
    }
    let endpoint = if address == Config::default().listen {
        String::new()
    } else {
        format!(" --endpoint http://{address}")
    };
    tracing::info!(
        "to begin, in another terminal: \
         cargo run --release --bin hatctl --{endpoint} room put room@conference.localhost"
    );
}

/// What the exit status says, in the words of `sysexits.h`.
#[derive(Clone, Copy)]
enum Exit {
    /// A flag or variable that does not exist, or a value that does not fit.
    Usage = 64,
    /// The data on disk are damaged.
    DataErr = 65,
    /// There is no store in the data directory.
    NoInput = 66,
    /// The address is in use or is not this machine's.
    Unavailable = 69,
    /// A bug in hatd.
    Software = 70,
    /// The operating system gives no threads or signals.
    OsErr = 71,
    /// The data directory cannot be made.
    CantCreat = 73,
    /// The disk cannot be read or written.
    IoErr = 74,
    /// Another hatd has the data directory: try again when it has ended.
    TempFail = 75,
    /// The operating system forbids the data directory or the port.
    NoPerm = 77,
    /// The configuration file is wrong, or the settings do not go together.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    fn of(error: &anyhow::Error) -> Self {
        if error.is::<config::Error>() {
            Self::Config
        } else if let Some(error) = error.downcast_ref::<embedded::OpenError>() {
            Self::of_open(error)
        } else if let Some(error) = error.downcast_ref::<server::Error>() {
            Self::of_server(error)
        } else if error.is::<StateDamaged>() {
            Self::DataErr
        } else if error.is::<io::Error>() {
            Self::IoErr
        } else {
            // What is left is the runtime and the signal handlers.
            Self::OsErr
        }
    }

    fn of_open(error: &embedded::OpenError) -> Self {
        match error {
            embedded::OpenError::Locked { .. } => Self::TempFail,
            embedded::OpenError::Corrupt { .. } => Self::DataErr,
            embedded::OpenError::Missing { .. } => Self::NoInput,
            embedded::OpenError::Create { source, .. } if is_forbidden(source) => Self::NoPerm,
            embedded::OpenError::Create { .. } | embedded::OpenError::Occupied { .. } => {
                Self::CantCreat
            }
            embedded::OpenError::Io { source, .. } => Self::of_file(source),
            embedded::OpenError::Rebuild(_) | embedded::OpenError::Documents(_) => Self::IoErr,
        }
    }

    fn of_server(error: &server::Error) -> Self {
        match error {
            server::Error::Bind { source, .. } if is_forbidden(source) => Self::NoPerm,
            server::Error::Bind { .. } => Self::Unavailable,
            server::Error::Descriptors(_) => Self::Software,
            server::Error::Close(_) | server::Error::CloseTimedOut => Self::IoErr,
        }
    }

    fn of_file(error: &io::Error) -> Self {
        if is_forbidden(error) {
            Self::NoPerm
        } else if is_about_the_place(error) {
            Self::CantCreat
        } else {
            Self::IoErr
        }
    }
}

fn is_forbidden(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// Whether the error is about the place of a file, not about its contents.
fn is_about_the_place(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::NotFound
            | io::ErrorKind::ReadOnlyFilesystem
    )
}
