/* What the machine takes for any process. */
int main(void)
{
    return 0;
}
