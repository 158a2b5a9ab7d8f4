namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>What the matrix asks of each pair of a client and a server (decision 19).</summary>
internal enum Feature
{
    /// <summary><c>tools/call</c>.</summary>
    Tool,

    /// <summary><c>prompts/get</c>.</summary>
    Prompt,

    /// <summary><c>resources/read</c> of a listed resource.</summary>
    Resource,

    /// <summary><c>resources/read</c> of what only a template matches.</summary>
    Template,

    /// <summary><c>completion/complete</c>.</summary>
    Completion,

    /// <summary>A server asks for a form during a call.</summary>
    ElicitationForm,

    /// <summary>A server asks to open a URL during a call.</summary>
    ElicitationUrl,

    /// <summary>A server asks for a model's text during a call.</summary>
    Sampling,

    /// <summary>The same, with tools.</summary>
    SamplingWithTools,

    /// <summary>A server asks for the roots during a call.</summary>
    Roots,

    /// <summary>Progress of a call.</summary>
    Progress,

    /// <summary>The server hears that a call is wanted no more.</summary>
    Cancel,

    /// <summary>A log message of a call.</summary>
    Log,

    /// <summary>A resource changed.</summary>
    Subscription,

    /// <summary>A list changed.</summary>
    ListChanged,

    /// <summary>A tool that runs as a task.</summary>
    Task,
}
