//! `.env.example`, made from the command line's own description, so that the two cannot differ.

use std::fmt::Write as _;

use clap::CommandFactory as _;

use super::Cli;

/// A `.env` file in which every setting stands commented out with its default.
#[must_use]
pub fn env_example() -> String {
    let mut text = String::from(
        "# Every setting of Balie, with its default. Made by `balie env`; a test keeps it equal to `balie serve --help`.\n\
         # Copy to .env for docker compose, or export what you change.\n",
    );
    let mut command = Cli::command();
    command.build();
    let mut seen = Vec::new();
    let serve = command.find_subcommand("serve");
    for argument in serve.into_iter().flat_map(clap::Command::get_arguments).chain(command.get_arguments()) {
        let Some(variable) = argument.get_env().and_then(|v| v.to_str()) else { continue };
        if seen.contains(&variable) {
            continue;
        }
        seen.push(variable);
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let default = argument.get_default_values().iter().filter_map(|v| v.to_str()).collect::<Vec<_>>().join(",");
        let _ = write!(text, "\n# {help}\n# {variable}={default}\n");
    }
    text.push_str(
        "\n# The master key itself (32 bytes, base64 or hex), instead of a file\n# BALIE_MASTER_KEY=\n\
         \n# The password for `balie user add` and `balie user password`\n# BALIE_PASSWORD=\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::{Cli, env_example};
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_the_server_is_also_a_variable() {
        let mut command = Cli::command();
        command.build();
        let serve = command.find_subcommand("serve").unwrap();
        for argument in serve.get_arguments().filter(|a| !["help", "version"].contains(&a.get_id().as_str())) {
            let variable =
                argument.get_env().unwrap_or_else(|| panic!("{argument:?} has no variable")).to_str().unwrap();
            assert_eq!(variable, format!("BALIE_{}", argument.get_id().as_str().to_uppercase()));
            assert!(env_example().contains(&format!("# {variable}=")));
        }
    }

    #[test]
    fn the_example_file_is_as_the_help_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example");
        let file = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            file == env_example(),
            ".env.example is out of date; run: cargo run -- env > .env.example\n{}",
            env_example()
        );
    }
}
