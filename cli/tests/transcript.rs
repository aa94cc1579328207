//! What the documents show is what happens, word for word.

use crate::shell::Shell;

/// The commands of the `console` blocks of a text, each with what it prints.
fn transcript(text: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), String::new())),
                (None, Some((_, printed))) => printed.push_str(&format!("{line}\n")),
                (None, None) => panic!("a block starts with a command: {line}"),
            },
        }
    }
    commands
}

#[test]
fn the_readme_says_what_happens() {
    let commands = transcript(include_str!("../../README.md"));
    assert!(commands.len() >= 7, "{commands:?}");
    let shell = Shell::new();
    for (command, printed) in commands {
        if let Some(file) = command.strip_prefix("cat ") {
            shell.write(file, &printed);
        }
        assert_eq!(shell.ok(&command), printed, "$ {command}");
    }
}

#[test]
fn every_command_has_help_with_its_purpose() {
    let shell = Shell::new();
    let help = shell.ok("alluvium --help");
    let commands = [
        "quickstart",
        "db",
        "table",
        "table alter",
        "ingest",
        "scan",
        "tail",
        "compact",
        "compact-database",
        "inspect",
    ];
    for command in commands {
        assert!(help.contains(&format!("\n  {}", command.split(' ').next().unwrap())), "{command} is not in\n{help}");
        let own = shell.ok(&format!("alluvium {command} --help"));
        assert!(own.contains("Usage: alluvium"), "{own}");
    }
    for command in ["ingest", "scan", "tail", "compact", "compact-database", "inspect", "table create", "table alter"] {
        assert!(shell.ok(&format!("alluvium {command} --help")).contains("Examples:"), "{command}");
    }
}
