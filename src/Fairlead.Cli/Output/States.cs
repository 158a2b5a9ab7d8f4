namespace Fairlead.Cli.Output;

/// <summary>How states of servers look.</summary>
internal static class States
{
    /// <summary>The colour of a state, by its word.</summary>
    public static Colour ColourOf(string state) => state switch
    {
        "Healthy" => Colour.Green,
        "Initializing" or "Degraded" or "Idle" => Colour.Yellow,
        "Stopped" or "Disabled" or "Maintenance" => Colour.Grey,
        _ => Colour.Red,
    };
}
