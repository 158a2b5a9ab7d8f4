using System.Globalization;
using Fairlead.TestServers.Matrix;

// The servers of the compatibility matrix: raw messages, no SDK, each speaks one revision and knows nothing of the others.
//   matrix-server stdio REVISION NAME WORLD-PORT    on stdin and stdout
//   matrix-server http WORLD-PORT                   all revisions that HTTP carries; prints its address
switch (args)
{
    case ["stdio", var revision, var name, var port]:
        using (var world = await WorldLink.ConnectAsync(int.Parse(port, CultureInfo.InvariantCulture)))
        {
            return await LineTransport.RunAsync(new MatrixServer(name, new Revision(revision), world), Console.OpenStandardInput(), Console.OpenStandardOutput());
        }

    case ["http", var port]:
        using (var world = await WorldLink.ConnectAsync(int.Parse(port, CultureInfo.InvariantCulture)))
        {
            return await HttpTransports.RunAsync(world);
        }

    default:
        Console.Error.WriteLine($"matrix-server: '{string.Join(' ', args)}' is not understood. Usage: matrix-server stdio REVISION NAME WORLD-PORT | matrix-server http WORLD-PORT");
        return 64;
}
