using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

/// <summary>Loads texts and files without the environment of the machine the tests run on.</summary>
internal static class Loading
{
    public static readonly string Folder = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "empty-workspace")).FullName;

    /// <summary>Loads a text with the given variables only.</summary>
    public static ConfigurationResult Text(string json, params (string Name, string Value)[] variables) =>
        ConfigurationLoader.LoadText(json, Variables(variables), new LoadSettings { WorkspaceFolder = Folder, UserHome = "/home/tester" });

    /// <summary>Loads one server of our own format, given the inside of its object.</summary>
    public static ConfigurationResult Server(string keys, params (string Name, string Value)[] variables) => Text($"{{ \"servers\": {{ \"one\": {{ {keys} }} }} }}", variables);

    public static Dictionary<string, string> Variables(params (string Name, string Value)[] variables) =>
        variables.ToDictionary(static variable => variable.Name, static variable => variable.Value, StringComparer.Ordinal);

    /// <summary>The only server of a configuration that must have no errors.</summary>
    public static ServerConfig Only(ConfigurationResult result)
    {
        Assert.Equal("", string.Join("\n", result.Errors));
        return Assert.Single(result.Options.Servers);
    }

    /// <summary>Everything a load can print, for searching planted secrets.</summary>
    public static string AllOutput(ConfigurationResult result) => string.Join("\n",
        [
            .. result.Errors.Select(static error => error.ToString()),
            .. result.Warnings.Select(static warning => warning.ToString()),
            .. result.Options.Servers.Select(static server => server.ToString()),
            ConfigurationView.Show(result.Options, result.Redactor),
            ConfigurationView.Show(result.Options, result.Redactor, withDefaults: true),
        ]);
}
