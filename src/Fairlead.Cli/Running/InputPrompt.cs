using System.Text;
using Fairlead.Configuration;

namespace Fairlead.Cli.Running;

/// <summary>Asks the person at the terminal for the inputs of a configuration (<c>${input:id}</c>). Questions go to stderr; passwords are not shown.</summary>
internal static class InputPrompt
{
    /// <summary>How to ask, or null where nobody can answer: stdin or stderr is no terminal.</summary>
    public static Func<InputRequest, string?>? ForTerminal() => Console.IsInputRedirected || Console.IsErrorRedirected ? null : Ask;

    /// <summary>How to put a question that is answered in a line, or null where nobody can answer.</summary>
    public static Func<string, string?>? ForQuestions() => Console.IsInputRedirected || Console.IsErrorRedirected ? null : static question =>
    {
        Console.Error.Write(question);
        return Console.ReadLine();
    };

    private static string? Ask(InputRequest request)
    {
        var question = request.Description.Length == 0 ? $"Value of the input '{request.Id}'" : Output.CellText.OneLine(request.Description);
        Console.Error.WriteLine($"{question} ({request.Variable} in the environment answers without asking)");
        for (var number = 1; number <= request.Options.Count; number++)
        {
            Console.Error.WriteLine($"  {number}. {Output.CellText.OneLine(request.Options[number - 1])}");
        }

        Console.Error.Write(request is { Default: { Length: > 0 } proposal, IsPassword: false } ? $"[{Output.CellText.OneLine(proposal)}] > " : "> ");
        var answer = request.IsPassword ? ReadHidden() : Console.ReadLine();
        if (string.IsNullOrEmpty(answer))
        {
            return request.Default;
        }

        return int.TryParse(answer, out var chosen) && chosen >= 1 && chosen <= request.Options.Count ? request.Options[chosen - 1] : answer;
    }

    private static string ReadHidden()
    {
        var text = new StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    Console.Error.WriteLine();
                    return text.ToString();
                case ConsoleKey.Backspace:
                    text.Length = Math.Max(0, text.Length - 1);
                    break;
                default:
                    if (!char.IsControl(key.KeyChar))
                    {
                        text.Append(key.KeyChar);
                    }

                    break;
            }
        }
    }
}
