using System.Reflection;
using System.Runtime.Loader;

namespace Fairlead.Interop;

/// <summary>Tools from a .NET assembly that the caller names.</summary>
internal static class ToolAssembly
{
    /// <summary>Makes one of each public class that is an <see cref="ITool"/> and has a constructor without parameters, in the order of their names.</summary>
    /// <param name="path">The assembly; what it needs lies beside it. It must be built against the same major version of Fairlead.Abstractions.</param>
    /// <exception cref="InvalidConfiguration">There is no such file, it is no assembly, or it holds no tool.</exception>
    public static IReadOnlyList<ITool> Load(string path)
    {
        var file = Path.GetFullPath(path);
        Type[] types;
        try
        {
            types = Into(file).GetExportedTypes();
        }
        catch (Exception exception) when (exception is IOException or BadImageFormatException or TypeLoadException or InvalidOperationException)
        {
            throw new InvalidConfiguration($"The assembly {file} cannot be loaded: {exception.Message} Name a .NET assembly with what it needs beside it.", exception);
        }

        ITool[] tools = [.. types
            .Where(static type => type.IsAssignableTo(typeof(ITool)) && !type.IsAbstract && type.GetConstructor(Type.EmptyTypes) is not null)
            .OrderBy(static type => type.FullName, StringComparer.Ordinal)
            .Select(static type => (ITool)Activator.CreateInstance(type)!)];
        return tools.Length > 0
            ? tools
            : throw new InvalidConfiguration($"The assembly {file} holds no public class that implements Fairlead.ITool and has a constructor without parameters. Add one, or name another assembly.");
    }

    /// <summary>Loads it beside Fairlead, so that both mean the same <see cref="ITool"/>.</summary>
    private static Assembly Into(string file)
    {
        var context = AssemblyLoadContext.GetLoadContext(typeof(ToolAssembly).Assembly)!;
        var resolver = new AssemblyDependencyResolver(file);
        context.Resolving += (into, name) => resolver.ResolveAssemblyToPath(name) is { } found ? into.LoadFromAssemblyPath(found) : null;
        return context.LoadFromAssemblyPath(file);
    }
}
