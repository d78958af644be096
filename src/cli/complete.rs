//! `completions` and `man`: made from the same definitions as the command line itself.

use super::failure::{Exit, Failure, Outcome};
use super::{examples, output};
use clap::builder::PossibleValue;
use clap::{Args, Command};
use clap_complete::Shell;
use roff::Roff;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Arguments of `completions`.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// The page of this command, for example `fix`.
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
    /// Write every page into DIR.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub output: Option<PathBuf>,
}

/// Runs `completions`.
///
/// # Errors
/// Output that can't be written.
pub fn completions(args: &CompletionsArgs, mut command: Command) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, env!("CARGO_PKG_NAME"), &mut text);
    let mut script = String::from_utf8_lossy(&text).into_owned();
    match args.shell {
        // clap_complete 4.6 takes the hyphen of the program's name for the one before a subcommand in half of the
        // labels, so that no option of a command would complete.
        Shell::Bash => script = script.replace("openclaw__subcmd__doctor", "openclaw__doctor"),
        Shell::Fish => script.push_str(&fish_positionals(&command)),
        _ => {}
    }
    output::write(script.as_bytes(), None)?;
    Ok(Exit::Ok)
}

/// The values of arguments without a name, which clap_complete 4.6 leaves out for fish.
fn fish_positionals(command: &Command) -> String {
    let mut lines = String::new();
    for inner in command.get_subcommands() {
        for argument in inner.get_positionals() {
            let values = argument.get_possible_values();
            if !values.is_empty() {
                let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
                let _ = writeln!(
                    lines,
                    "complete -c openclaw-doctor -n \"__fish_openclaw_doctor_using_subcommand {}\" -f -a \"{}\"",
                    inner.get_name(),
                    values.join(" ")
                );
            }
        }
    }
    lines
}

/// Runs `man`.
///
/// # Errors
/// A command that does not exist, output that can't be written.
pub fn man(args: &ManArgs, mut command: Command) -> Outcome {
    // Gives subcommands their full names.
    command.build();
    if let Some(folder) = &args.output {
        std::fs::create_dir_all(folder).map_err(|error| Failure::io(format!("make {}", folder.display()), &error))?;
        for (name, page) in pages(&command)? {
            output::write(&page, Some(&folder.join(format!("{name}.1"))))?;
        }
        return Ok(Exit::Ok);
    }
    let wanted = match &args.command {
        None => &command,
        Some(name) => command.find_subcommand(name).ok_or_else(|| unknown(&command, name))?,
    };
    output::write(&page(wanted)?, None)?;
    Ok(Exit::Ok)
}

/// Name and text of every page: the program's, then one for each command.
fn pages(command: &Command) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let commands = command.get_subcommands().filter(|command| command.get_name() != "help");
    std::iter::once(command)
        .chain(commands)
        .map(|command| {
            let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
            Ok((name, page(command)?))
        })
        .collect()
}

fn unknown(command: &Command, name: &str) -> Failure {
    let names = command.get_subcommands().map(Command::get_name);
    let nearest = names.max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
    let hint = match nearest.filter(|nearest| strsim::jaro_winkler(name, nearest) > 0.7) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "openclaw-doctor --help lists them".to_owned(),
    };
    Failure::new("usage", format!("there is no command `{name}`")).hint(hint)
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    write_page(command, &mut text).map_err(|error| Failure::io("write the man page", &error))?;
    Ok(text)
}

fn write_page(command: &Command, out: &mut Vec<u8>) -> io::Result<()> {
    let version = concat!("openclaw-doctor ", env!("CARGO_PKG_VERSION"));
    let page = clap_mangen::Man::new(command.clone()).source(version).manual("User Commands");
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    if command.get_subcommands().next().is_some() {
        page.render_subcommands_section(out)?;
    }
    let mut more = Roff::new();
    if let Some(examples) = command.get_after_help().map(ToString::to_string) {
        more.control("SH", ["EXAMPLES"]).control("nf", []);
        // The first line says that examples follow; the section's title does too.
        for line in examples.lines().skip(1) {
            more.text([roff::roman(line)]);
        }
        more.control("fi", []);
    }
    more.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in examples::EXIT_CODES {
        more.control("TP", []).text([roff::bold(*code)]).text([roff::roman(*meaning)]);
    }
    more.control("SH", ["FILES"]).control("TP", []);
    more.text([roff::italic("~/.config/openclaw-doctor/config.toml")]);
    more.text([roff::roman(
        "Defaults, severities by code, dismissals that expire; OPENCLAW_DOCTOR_CONFIG names another.",
    )]);
    more.to_writer(out)
}
