using Fairlead.TestServers.Misbehave;

if (args.Length > 0 && Modes.Find(args[0]) is { } mode)
{
    return mode(args[1..]);
}

Console.Error.WriteLine($"misbehave-server: give one of these modes: {string.Join(", ", Modes.Names)}");
return 64;
