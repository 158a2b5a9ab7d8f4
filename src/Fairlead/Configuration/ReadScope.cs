using System.Text.Json;
using Fairlead.Security;

namespace Fairlead.Configuration;

/// <summary>What reading a part of the file needs and collects: one for the gateway's keys, one for each server.</summary>
/// <param name="problems">Where errors and warnings go.</param>
/// <param name="expander">Puts variables into texts.</param>
/// <param name="foreign">True in the format of another program, where what is not understood is a warning.</param>
/// <param name="server">The server being read, which collects what it misses; null for the gateway's keys, where a missing variable is an error.</param>
internal sealed class ReadScope(Problems problems, VariableExpander expander, bool foreign, ServerConfig? server)
{
    public Problems Problems { get; } = problems;

    public bool Foreign { get; } = foreign;

    public ServerConfig? Server { get; } = server;

    /// <summary>Makes a value one that is never shown.</summary>
    public void AddSecret(string value) => expander.Secrets.Add(value);

    /// <summary>Reports a key or value that is not understood: an error in our format, a warning in a foreign one.</summary>
    public void NotUnderstood(ConfigNode node, string? value, string rule, string fix)
    {
        if (Foreign)
        {
            Problems.WarningAt(node, value, rule, fix);
        }
        else
        {
            Problems.ErrorAt(node, value, rule, fix);
        }
    }

    /// <summary>The text of a node with its variables put in.</summary>
    /// <param name="node">A string.</param>
    /// <param name="relativePath">Path of the value within the server, such as <c>env.TOKEN</c>; remembered when the value is to be masked.</param>
    /// <param name="complete">False when something in it has no value; then the text must not be interpreted.</param>
    public string Text(ConfigNode node, string relativePath, out bool complete)
    {
        if (node.FromText)
        {
            complete = true;
            return node.Text;
        }

        Expansion expansion = expander.Expand(node.Text);
        complete = expansion.Missing.Count == 0 && expansion.Unknown.Count == 0;
        if (expansion.FromVariable)
        {
            Server?.SecretPaths.Add(relativePath);
        }

        foreach (string name in expansion.Missing)
        {
            if (Server is null)
            {
                Problems.ErrorAt(node, node.Show(), $"The variable {name} has no value.", $"Set {name} in the environment or in a .env file beside the configuration.");
            }
            else
            {
                Miss(name);
            }
        }

        foreach (string reference in expansion.Unknown)
        {
            NotUnderstood(node, null, $"{reference} is not a form that Fairlead can resolve.", "Write ${NAME}, ${env:NAME}, ${input:id}, ${workspaceFolder} or ${userHome}; $${ stands for ${ itself.");
            if (Foreign && Server is not null)
            {
                Miss(reference[2..^1]);
            }
        }

        return expansion.Text;
    }

    /// <summary>True when the value of a node may be shown in an error: never what could be a secret.</summary>
    public static string? Shown(ConfigNode node, OptionKey key) => key.Attribute.Secret
        ? SecretRedactor.Mask
        : node.Kind == JsonValueKind.String && key.Type == typeof(Uri) ? $"\"{SecretTexts.MaskUrl(node.Text)}\"" : node.Show();

    private void Miss(string name)
    {
        if (!Server!.MissingVariables.Contains(name))
        {
            Server.MissingVariables.Add(name);
        }
    }
}
