//! What the process was told: flags, environment, defaults, in one checked value.
//!
//! Promises: every contradiction is found here, before anything is opened, with a cause and a cure.
//! Must not: open, connect or create anything.

#![allow(clippy::doc_markdown, reason = "what stands at a flag is its help, read in a terminal")]

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueHint};
use ipnet::IpNet;

use crate::secret::{KeyError, MasterKey};
use crate::telemetry::LogFormat;
use crate::text_enum;

text_enum!(
    /// What this process does; several processes on one PostgreSQL can share the work.
    Part {
        /// Serves pages, API and sockets.
        Web = "web",
        /// Fetches, streams and sends.
        Work = "work",
    }
);

/// What every command needs to find the data.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// Folder for the database, the master key and media
    #[arg(long, env = "BALIE_DATA", default_value = "./data", value_hint = ValueHint::DirPath, global = true)]
    pub data: PathBuf,

    /// Where to keep everything: a path for SQLite (default: balie.db in the data folder) or postgres://…
    #[arg(long, env = "BALIE_DATABASE", hide_env_values = true, global = true)]
    pub database: Option<String>,

    /// File that holds the master key (32 bytes, base64 or hex) [default: master.key in the data folder]; the key itself may be in BALIE_MASTER_KEY
    #[arg(long, env = "BALIE_MASTER_KEY_FILE", value_hint = ValueHint::FilePath, global = true)]
    pub master_key_file: Option<PathBuf>,

    /// Let connectors reach addresses in private networks (a Mastodon server in your own network)
    #[arg(long, env = "BALIE_ALLOW_PRIVATE", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false", global = true)]
    pub allow_private: bool,

    /// How many days back the first look at an account reaches
    #[arg(long, env = "BALIE_HISTORY_DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(0..=365), global = true)]
    pub history_days: u16,

    /// How log lines look: text or json
    #[arg(long, env = "BALIE_LOG_FORMAT", default_value = "text", global = true)]
    pub log_format: LogFormat,

    /// What is logged: error, warn, info, debug, trace, or per part (info,balie::work=debug)
    #[arg(long, env = "BALIE_LOG", default_value = "info", global = true)]
    pub log: String,
}

impl Place {
    /// The address of the database: `postgres://…` as given, or `sqlite://<path>`.
    ///
    /// # Errors
    /// The address is of a kind that Balie cannot use, or has a parameter that nobody knows.
    pub fn database_url(&self) -> Result<String, String> {
        match self.database.as_deref().map(str::trim) {
            None | Some("") => Ok(sqlite_url(&self.data.join("balie.db"))),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                only_known_parameters(url)?;
                Ok(url.to_owned())
            }
            Some(url) if url.starts_with("sqlite:") => Ok(url.to_owned()),
            Some(url) if url.contains("://") => {
                let scheme = url.split("://").next().unwrap_or_default();
                Err(format!(
                    "Balie keeps its data in SQLite or PostgreSQL, not in {scheme}: give a path or postgres://…"
                ))
            }
            Some(path) => Ok(sqlite_url(Path::new(path))),
        }
    }

    /// The master key, from where it was said to be; `None` when it was not said and the data folder has none.
    ///
    /// # Errors
    /// The key is malformed, unreadable, or readable by others.
    pub fn find_master_key(&self) -> Result<Option<MasterKey>, KeyError> {
        if let Ok(text) = std::env::var("BALIE_MASTER_KEY")
            && !text.trim().is_empty()
        {
            return MasterKey::parse(&text, "BALIE_MASTER_KEY").map(Some);
        }
        match &self.master_key_file {
            Some(path) => MasterKey::read(path).map(Some),
            None => MasterKey::find_in(&self.data),
        }
    }

    /// Where `find_master_key` looks, in words.
    #[must_use]
    pub fn master_key_source(&self) -> String {
        if std::env::var("BALIE_MASTER_KEY").is_ok_and(|text| !text.trim().is_empty()) {
            return "BALIE_MASTER_KEY in the environment".to_owned();
        }
        self.master_key_file.clone().unwrap_or_else(|| self.data.join("master.key")).display().to_string()
    }

    #[must_use]
    pub fn history(&self) -> Duration {
        Duration::from_secs(u64::from(self.history_days) * 86_400)
    }
}

/// What may stand behind the `?` of an address of PostgreSQL: what sqlx reads. The rest it would put into the log, values and all.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

fn only_known_parameters(url: &str) -> Result<(), String> {
    // What is no address at all is refused by whoever opens it, without a word of it.
    let Ok(url) = url.parse::<url::Url>() else { return Ok(()) };
    let is_known = |key: &str| PARAMETERS.contains(&key) || (key.starts_with("options[") && key.ends_with(']'));
    let Some(key) = url.query_pairs().map(|(key, _)| key).find(|key| !is_known(key)) else { return Ok(()) };
    // Behind a ? that should have been %3F stands the rest of a password.
    if url.query().is_some_and(|query| query.contains('@')) {
        return Err("the address of the database has a parameter that nobody knows: percent-encode its password \
                    (/ is %2F, @ is %40, # is %23, ? is %3F), or leave it out and give it in PGPASSWORD"
            .to_owned());
    }
    Err(format!(
        "the address of the database has a parameter that nobody knows, {key}: known are {}",
        PARAMETERS.join(", ")
    ))
}

fn sqlite_url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

/// What the server needs on top.
#[derive(Args, Clone, Debug)]
pub struct Serving {
    /// Address and port to listen on
    #[arg(long, env = "BALIE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// How browsers and platforms reach this server (https://balie.example.org); needed behind a proxy
    #[arg(long, env = "BALIE_PUBLIC_URL", value_parser = public_url)]
    pub public_url: Option<url::Url>,

    /// Networks of proxies whose X-Forwarded-For is believed, with --public-url
    #[arg(long, env = "BALIE_TRUSTED_PROXY", value_delimiter = ',', value_parser = network, default_value = "127.0.0.0/8,::1")]
    pub trusted_proxy: Vec<IpNet>,

    /// What this process does: web, work or both
    #[arg(long, env = "BALIE_ROLES", value_delimiter = ',', default_value = "web,work")]
    pub roles: Vec<Part>,

    /// Ask every feed this often, in milliseconds, instead of at its channel's own pace; for trying things out
    #[arg(long, env = "BALIE_POLL_MIN_MS", value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    pub poll_min_ms: Option<u64>,

    /// Play: a made-up platform with made-up customers, on this machine only
    #[arg(long, env = "BALIE_PLAYGROUND", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false")]
    pub playground: bool,

    /// How lively the playground is: things that happen per minute
    #[arg(long, env = "BALIE_PLAYGROUND_PACE", default_value_t = 12.0, value_parser = pace)]
    pub playground_pace: f64,
}

impl Serving {
    #[must_use]
    pub fn does(&self, part: Part) -> bool {
        self.roles.contains(&part)
    }
}

fn public_url(text: &str) -> Result<url::Url, String> {
    let url: url::Url =
        text.parse().map_err(|_| "this is not an address; give it whole: https://balie.example.org".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("give http:// or https:// and a host".to_owned());
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("Balie lives at the root of its host: leave out the path".to_owned());
    }
    Ok(url)
}

fn network(text: &str) -> Result<IpNet, String> {
    let one = || text.parse().map(|address: IpAddr| IpNet::from(address.to_canonical()));
    text.parse().or_else(|_| one()).map_err(|_| "give addresses or networks: 10.0.0.5,172.16.0.0/12".to_owned())
}

fn pace(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(pace) if (0.0..=6000.0).contains(&pace) => Ok(pace),
        _ => Err("give a number from 0 to 6000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{network, pace, public_url};
    use crate::cli::Cli;
    use clap::Parser as _;

    fn place(arguments: &[&str]) -> super::Place {
        let line = ["balie"].iter().chain(arguments).chain(&["migrate"]);
        Cli::try_parse_from(line).unwrap().place
    }

    #[test]
    fn the_database_is_a_file_in_the_data_folder_unless_told_otherwise() {
        assert_eq!(place(&["--data", "/d"]).database_url().unwrap(), "sqlite:///d/balie.db");
        assert_eq!(place(&["--database", "/x/y.db"]).database_url().unwrap(), "sqlite:///x/y.db");
        assert_eq!(place(&["--database", "postgres://h/b"]).database_url().unwrap(), "postgres://h/b");
        assert!(place(&["--database", "mysql://h/b"]).database_url().unwrap_err().contains("mysql"));
    }

    #[test]
    fn a_parameter_that_nobody_knows_is_refused_by_its_name_and_never_said_whole() {
        let refused = |url: &str| place(&["--database", url]).database_url().unwrap_err();
        let typo = refused("postgres://h/b?sslmode=require&passwrod=Geheim9");
        assert!(typo.contains("passwrod") && typo.contains("password") && !typo.contains("Geheim9"), "{typo}");
        let open = refused("postgres://balie:12?eim9&x=y@postgres/balie");
        assert!(!open.contains("eim9") && open.contains("%3F"), "{open}");
        for fine in ["postgres://h/b?sslmode=require&host=/run", "postgres://h/b?options[a]=1", "postgres://u:12/x@h/b"]
        {
            assert_eq!(place(&["--database", fine]).database_url().unwrap(), fine);
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_cure() {
        for bad in ["balie.example.org", "ftp://x", "https://x/balie", "https://x/?a"] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
        assert!(public_url("https://balie.example.org").is_ok());
        for bad in ["private", "10.0.0.0/33", "10.0.0", ""] {
            assert!(network(bad).is_err(), "{bad}");
        }
        assert!(network("::1").unwrap().contains(&"::1".parse::<std::net::IpAddr>().unwrap()));
        assert_eq!(network("172.16.0.0/12").unwrap(), network("172.16.0.0/12").unwrap().trunc());
        assert!(pace("-1").is_err() && pace("NaN").is_err() && pace("0.5").is_ok());
    }
}
